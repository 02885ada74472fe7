create table clients (name text, since integer);
insert into clients values ('Ada', 1998), ('Ben', 2003), ('Cleo', 2011);
