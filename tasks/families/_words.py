"""Words that the families' worlds are made of: common or invented, so that no fact outside of a task helps with it.

Every list is a tuple of distinct texts in a fixed order; the functions draw from them with the generator they get.
"""

import random


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


GIVEN_NAMES: tuple[str, ...] = _words(
    """
    Ada Agnes Aiko Alba Alma Amara Amina Amos Anders Anika Anton Arlo Asha Astrid Aurel Avery Azra Barnaby Basil
    Bea Benno Bianca Bodil Boris Bruno Caleb Carla Casper Cecil Celia Chidi Clara Clemens Cora Cyril Dagny Dalia
    Damian Daphne Dario Delia Denis Dina Dora Dragan Edda Edgar Edith Eero Elias Elif Elin Ella Elmar Elsa Emeka
    Emil Enid Enzo Erik Esme Esther Ewa Ezra Fabian Farid Fatima Felix Fern Finn Flora Floyd Frida Gemma Georg
    Gideon Gilda Gloria Goran Greta Gudrun Gustav Hana Hanno Harriet Hassan Hector Hedda Heidi Helga Henrik
    Hilda Hiro Holly Hugo Ida Ignaz Ilka Imani Imre Ines Inga Irene Iris Isaac Ivan Ivo Jana Jarek Jasmin Jasper
    Joel Jonas Josefa Judith Jules Juno Kai Kamal Karim Karin Kasimir Katja Kenji Kira Klara Knut Kofi Kurt
    Laila Lara Lars Laszlo Leila Lena Leo Lia Lidia Liam Linus Lore Lotte Luca Lucia Ludo Luisa Lydia Mabel
    Magda Malik Mara Marek Marta Matteo Maud Mei Mia Milan Mina Mira Moritz Nadia Naomi Nele Nestor Nico Nils
    Nina Noor Nora Odin Olaf Olga Oscar Otto Pablo Pavel Pearl Petra Philo Pia Priya Quentin Rafael Rahel Ramon
    Rania Rasmus Rhea Roland Rosa Ruben Ruth Sakura Samir Sanna Saul Selma Senta Silas Silvia Sofie Stella
    Sunniva Sven Tabea Tamar Tara Teo Thea Tilda Tobias Tomas Ulla Uma Uwe Valentin Vera Viktor Vito Wanda Wilma
    Xenia Yara Yusuf Yvonne Zelda Zoran
    """
)

FAMILY_NAMES: tuple[str, ...] = _words(
    """
    Abara Abel Adler Ahlberg Akande Albrecht Almeida Amsel Anand Arnold Asante Aster Ballard Baptiste Barlow
    Bauer Becker Bellamy Berger Bergman Bianchi Birch Blom Boateng Bosman Brandt Breuer Brook Brunner Burke
    Calder Cardoso Carver Castell Chandra Clausen Cobb Colby Conti Costa Crane Dahl Dalton Danner Darby Decker
    Dietz Dorn Draper Drummond Duarte Eberle Ebner Eklund Ellery Emery Engel Eriksen Esser Fabre Falk Farrow
    Faust Fenn Ferrari Fiala Fisk Fleming Forster Frost Fuchs Gallo Garber Gartner Gerber Gifford Glover Goddard
    Graf Granger Greco Grimm Gruber Haas Hadley Hahn Halden Hallam Hartog Hauser Heller Hendry Herzog Hofer Holm
    Horak Horvat Huber Ibsen Imhof Ishida Iverson Jaeger Jansen Jarvis Jensen Jordan Juhl Kaiser Kane Karlsen
    Keller Kessler Kimura Kirsch Klein Knapp Kolar Kovac Kramer Kruse Kumar Lange Larkin Larsen Lehner Leroy
    Lind Lorenz Lowell Ludwig Lund Maier Malone Marchetti Marlow Marten Matsuda Mercer Merkel Meyer Moller Moran
    Moreau Mori Moser Nadler Nagy Nakano Neri Neumann Nolan Norberg Novak Nyberg Oakes Obi Okafor Olsen Orlov
    Osei Otten Palmer Parr Pasternak Pauli Pereira Petrov Pfeiffer Pichler Pohl Prager Prior Quast Quinn
    Rademacher Rahn Ramos Rath Reed Reiter Renner Rhodes Ricci Rieger Rios Ritter Rossi Roth Rowe Ruiz Sachs
    Sander Santos Sauer Schilling Seidel Sharma Silva Singer Sorensen Sparrow Stahl Stark Steiner Stone Strand
    Sutter Tanaka Tate Teller Thorne Toller Torres Tremblay Ueda Ulrich Urban Vance Varga Vasquez Vega Vogel
    Voss Wagner Walsh Weaver Weber Weiss Wells Werner Whitlock Winter Wirth Wolf Wren Yamada Yates Zander Zeller
    Ziegler Zimmer Zorn
    """
)

# Towns are invented, so that nothing known about a real one (country, size, postcode) decides a task.
TOWNS: tuple[str, ...] = _words(
    """
    Abernau Aldermoor Altfurt Amberfeld Arnsby Ashcombe Auwald Bachlingen Barrowick Beechton Belmora Birkenau
    Blackmere Blythwick Bornsee Brackholm Bramstead Breitenfurt Brindale Burgwarth Calderby Carnholt Castelmar
    Charnwell Clayford Coldwater Corvara Cranleigh Cressbrook Dalhaven Darnstadt Deepwell Dornbach Dunmarsh
    Eastmere Ebersfeld Eichhorst Elderbrook Ellingsee Elmsworth Erlenbad Fairhollow Falkensund Farnmouth
    Feldhausen Fernwick Fallowby Fossano Foxcombe Freyburg Frostham Gansbach Garrick Gellenau Glenmorrow
    Goldmark Granby Greifenau Grenholm Grunwald Hadmoor Halvern Hammarby Harrowgate Hartmoor Haselbach Heathrow
    Hedlund Helmsee Herrenau Highmoor Hohenfurt Holmbeck Hornsea Ivybridge Jarnvik Kaltenbach Karlshof Kestrel
    Kingsmoor Kirchau Klarwasser Korsholm Kranichfeld Lakemont Langsund Larkfield Laurenz Lindhorst Lindmark
    Loxley Lundby Marbach Mardale Marschau Meadowby Merrifield Millbrook Mittelau Moorland Mossburg Nebelhorn
    Neufeld Nordhaven Norrby Oakhollow Oberlinden Orsholm Ostermark Otterburn Penmarra Pinewell Pontevera
    Porthallow Quellbach Rabenau Ravensby Redmarsh Reedham Rehfeld Riverton Rosenthal Rothwell Ruhbach Saltmere
    Sandvik Scarholm Schonfurt Seebruck Selwick Silberau Skarby Southmoor Sparrowhill Stargard Steinbrunn
    Stillwater Stonebeck Sundhaven Swanmere Talbrook Tannheim Thornbury Tidewell Tiefensee Torvald Ulmenau
    Umbria Valdorra Varnholm Vellmar Vestby Waldsee Wallingford Warmbach Weidenau Wensley Westmark Whitcombe
    Wickersham Wiesengrund Windermark Winterbourne Wolfsau Wrenfield Yarrow Zellmark Zirnau
    """
)

REGIONS: tuple[str, ...] = _words(
    """
    Arvend Belloria Corlath Dunmere Estmark Farrowland Galdria Hollund Istria Jorvland Kelmark Lowenthal Marovia
    Norland Ostania Pellany Quarnero Rundale Selvany Tavria Ulvania Vostrand Westria Yland Zembria
    """
)

STREETS: tuple[str, ...] = _words(
    """
    Acorn Alder Anchor Bakery Beacon Bridge Canal Castle Cedar Chapel Cherry Church Clover College Copper Cross
    Depot Dock Elder Ferry Field Forge Garden Gate Grove Harbour Hazel High Hill Juniper King Lake Lantern
    Laurel Lime Linden Maple Market Meadow Mill Mint Museum North Oak Orchard Park Pine Poplar Queen Railway
    River Rose School South Spring Station Summit Temple Tower Union Valley Victory Walnut Water Weaver West
    Willow Wood
    """
)
STREET_KINDS: tuple[str, ...] = ("Street", "Road", "Avenue", "Lane", "Square", "Drive", "Court", "Boulevard")

COMPANY_STEMS: tuple[str, ...] = _words(
    """
    Acorn Aldine Amberline Anvil Arclight Aspen Atlas Auric Axle Banner Basalt Bayside Beacon Birchwood Bluefin
    Boreal Bravura Brightwater Bronze Cadence Cairn Calder Candela Capstone Cardinal Cascade Cedar Cinder
    Citadel Clearpath Cobalt Compass Copperfield Coral Corona Crescent Crest Crossbow Cypress Dawn Delta Dolphin
    Driftwood Eastern Echo Elkhorn Ember Emerald Equinox Evergreen Falcon Fathom Fernhill Fjord Flint Forge
    Foxglove Gable Galleon Garnet Gemini Glacier Granite Greystone Halcyon Harbor Harvest Heron Hexagon Highland
    Horizon Hummingbird Indigo Ironwood Ivory Jasmine Juniper Keystone Kingfisher Lantern Larch Lattice Legend
    Lighthouse Linden Lodestar Lotus Lumen Magnet Mallard Maple Marble Meridian Metro Mistral Monarch Moonstone
    Mosaic Nautilus Nimbus Northwind Oakleaf Obelisk Ocean Onyx Opal Orchard Orion Osprey Otter Pallas Paragon
    Pegasus Pelican Peregrine Phoenix Pinnacle Pioneer Polaris Prairie Prism Quarry Quartz Quill Rampart Raven
    Redwood Ridge Riverbend Rosewood Rowan Sable Saffron Sapphire Sequoia Sierra Silverlake Skylark Solstice
    Sparrow Spindle Sterling Summit Sunrise Swift Talon Tamarind Tempest Thistle Tidal Timber Topaz Trident
    Tundra Turquoise Umber Union Valor Vanguard Velvet Vertex Vesper Violet Vista Walnut Westbrook Wildflower
    Willow Windmill Wren Yarrow Zenith Zephyr
    """
)
COMPANY_TRADES: tuple[str, ...] = _words(
    """
    Analytics Apparel Bakery Books Brewing Capital Ceramics Chemicals Clothing Components Construction
    Consulting Design Dynamics Electronics Energy Engineering Farms Foods Freight Furniture Glass Hardware
    Holdings Industries Instruments Insurance Interiors Labs Lighting Logistics Machinery Marine Materials Media
    Metals Motors Networks Optics Packaging Paper Partners Pharma Plastics Power Press Records Robotics Security
    Semiconductors Shipping Software Solutions Supply Systems Technologies Textiles Tools Toys Trading Transport
    Ventures Water Works
    """
)
# Form in full, and as people shorten it.
COMPANY_FORMS: tuple[tuple[str, str], ...] = (
    ("Incorporated", "Inc."),
    ("Limited", "Ltd."),
    ("Corporation", "Corp."),
    ("Company", "Co."),
    ("Group", "Grp."),
    ("International", "Intl."),
    ("Associates", "Assoc."),
    ("Brothers", "Bros."),
)

COLOURS: tuple[str, ...] = _words(
    """
    amber aqua beige black blue bronze brown burgundy charcoal copper coral cream crimson cyan emerald gold
    green grey indigo ivory lavender lilac lime magenta maroon mint navy ochre olive orange peach pink plum
    purple red rose ruby rust sand scarlet silver slate tan teal turquoise umber violet white yellow
    """
)
MATERIALS: tuple[str, ...] = _words(
    """
    acrylic aluminium bamboo brass canvas ceramic clay copper cork cotton denim felt fleece glass granite iron
    jute leather linen maple marble mesh nylon oak paper pine plastic polyester porcelain rattan rubber satin
    silicone silk steel stone suede teak titanium tweed velvet walnut wicker wool
    """
)
ADJECTIVES: tuple[str, ...] = _words(
    """
    ample ancient arid bold brave brief bright brisk broad calm clean clear clever coarse cold compact cool
    curious daily dapper dark deep dense dim dry dull eager early easy elegant even exact faint fair fast fine
    firm flat fleet fond free fresh full gentle glad golden grand great hardy heavy hidden high hollow honest
    humble idle keen kind large late lean light little lively lonely long loud low loyal lucky mellow merry mild
    modest narrow neat new nimble noble odd old open pale patient plain proud pure quaint quick quiet rapid rare
    ready rich rough round royal rustic sharp short shy silent simple sleek slow small smart smooth soft solid
    sour spare stable steady steep still stout strong sturdy subtle sunny sweet swift tall tame tender thick
    thin tidy tiny tough urban vast vivid warm weary wide wild wise witty young zesty
    """
)
NOUNS: tuple[str, ...] = _words(
    """
    acorn anchor apple arch arrow aspen badge banner barrel basin basket bay beacon bell berry bird blade
    blossom boat bolt book bottle boulder bow branch brick bridge brook brush bucket button cabin cable candle
    canoe canyon cape card castle cave chain chalk cherry chest cliff clock cloud clover coast coin comet
    compass copper coral cove crane crate creek crow crown dawn desert diamond dock dome door dove dragon drum
    dune eagle ember engine falcon fan feather fence fern ferry field finch flame flower flute fog forest
    fountain fox frost garden gate glacier glove grape grove gull hammer harbour harp hawk hazel hedge helmet
    heron hill honey horn house ink island ivy jacket jar jewel kettle key kite ladder lake lamp lantern lark
    leaf lemon letter lily lion lodge loom lynx magnet maple marsh meadow melon mill mint mirror moon moss moth
    mountain needle nest net oak oar ocean olive onion orbit orchard otter owl paddle palm panther paper parrot
    path peach pear pearl pebble pepper petal piano pine planet plum pond poplar prairie prism pump quill rabbit
    raft rain raven reed ribbon ridge ring river road robin rocket root rope rose saddle sail salmon salt sand
    saw seal seed shadow shell shield ship shore silver sky sled snow sparrow spear spindle spoon spring
    squirrel star stone storm stove stream summit sun swallow swan table temple thistle thorn thread tide tiger
    timber torch tower trail train tree trumpet tulip tunnel turtle valley vase vine violin wagon walnut wave
    well whale wheel willow wind window wing wolf wren yacht zebra
    """
)
VERBS: tuple[str, ...] = _words(
    """
    accept add adjust adopt advise allow answer apply approve arrange assign attach audit balance book borrow
    bring build buy call cancel carry change check choose clean close collect combine compare complete confirm
    connect copy count cover create cut decide deliver describe design detect discuss divide draft draw drop
    edit employ enter examine exchange expand explain export extend fetch file fill filter find finish fix
    follow forward gather give group guide handle help hire hold import improve include inform inspect install
    invite issue join keep label launch lead learn lend list load locate lock log look mail make manage mark
    match measure merge mix move name note notify offer open order pack paint park pass pay pick place plan post
    praise prepare present preserve press print produce protect provide pull push raise reach read receive
    record reduce refund register reject release remind remove rename renew rent repair repeat replace reply
    report request reserve reset return review revise save scan schedule search select sell send serve set share
    ship show sign sort split stamp start stop store submit supply support swap switch take tell test trace
    track trade train transfer translate trim turn update upgrade use verify visit wait warn wash watch weigh
    wrap write
    """
)
JOBS: tuple[str, ...] = _words(
    """
    accountant actor analyst architect artist baker barber biologist bookseller brewer builder butcher carpenter
    chef chemist clerk coach composer cook courier curator dentist designer diver driver editor electrician
    engineer farmer firefighter fisher florist forester gardener geologist glazier grocer guide inspector
    jeweller joiner journalist judge lawyer librarian locksmith machinist mason mechanic midwife miller musician
    notary nurse optician painter pharmacist photographer pilot plumber porter potter printer programmer
    publisher ranger reporter roofer sailor sculptor singer surgeon surveyor tailor teacher tiler translator
    typist usher vet waiter watchmaker weaver welder writer
    """
)
PRODUCT_NOUNS: dict[str, tuple[str, ...]] = {
    "kitchen": _words(
        """
    kettle toaster blender saucepan skillet whisk colander grater teapot mug carafe ladle spatula peeler mixer
    juicer griddle steamer thermos platter tureen ramekin corkscrew breadbox
    """
    ),
    "office": _words(
        """
        stapler notebook binder folder calculator pen pencil marker ruler scissors envelope clipboard
        shredder laminator whiteboard tray planner highlighter eraser sharpener punch lamp
        """
    ),
    "garden": _words(
        """
        rake spade trowel hose sprinkler wheelbarrow shears pruner planter bench trellis lantern mower edger
        hoe dibber watering-can birdbath parasol hammock
        """
    ),
    "sport": _words(
        """
        racket helmet jersey paddle dumbbell treadmill kettlebell skipping-rope football basketball
        skateboard kayak tent rucksack snorkel goggles wetsuit javelin barbell mat
        """
    ),
    "music": _words(
        """
        guitar violin cello flute clarinet trumpet trombone drum keyboard ukulele banjo harmonica accordion
        metronome amplifier microphone oboe viola mandolin saxophone
        """
    ),
    "electronics": _words(
        """
        monitor printer router scanner speaker headphones camera tablet charger projector turntable radio
        webcam soundbar drone subwoofer receiver dashcam e-reader smartwatch
        """
    ),
    "clothing": _words(
        """
        jacket sweater scarf glove hat belt dress shirt blouse trousers skirt coat vest sock boot sandal
        cardigan parka hoodie mitten
        """
    ),
    "home": _words(
        """
        cushion curtain rug lamp mirror vase clock bookcase stool armchair wardrobe bedspread blanket basket
        candle shelf footstool doormat tablecloth nightstand
        """
    ),
}
SUBJECTS: tuple[str, ...] = _words(
    """
    algebra anatomy archaeology architecture astronomy bookkeeping botany ceramics chemistry choreography cinema
    composition cookery dance design drama drawing ecology economics engraving ethics forestry genetics
    geography geology geometry grammar history horticulture journalism law linguistics literature logic
    marketing mechanics medicine metallurgy meteorology music nutrition oceanography optics painting pedagogy
    philosophy photography physics poetry politics pottery printing psychology rhetoric sculpture sociology
    statistics surveying tailoring theatre weaving zoology
    """
)
GENRES: tuple[str, ...] = _words(
    """
    adventure ballad biography comedy crime drama essay fable fantasy farce history horror memoir mystery poetry romance
    satire saga science thriller tragedy travel western
    """
)
MONTHS: tuple[str, ...] = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)

_ONSETS = _words("b br c ch cl d dr f fl g gr h j k kl l m n p pl qu r s sh sk sl st t th tr v w z")
_VOWELS = _words("a e i o u ai ea ee ia io oa ou")
_CODAS = _words("b ck d ff g l ll m n nd ng nt p r rn rt s sk st t th x")


def person(rng: random.Random) -> str:
    """A given name and a family name, as in `Clara Holm`."""
    return f"{rng.choice(GIVEN_NAMES)} {rng.choice(FAMILY_NAMES)}"


def people(rng: random.Random, count: int) -> list[str]:
    """`count` different persons."""
    found: dict[str, None] = {}
    while len(found) < count:
        found[person(rng)] = None
    return list(found)


def company(rng: random.Random) -> str:
    """As in `Granite Logistics`; without a legal form."""
    return f"{rng.choice(COMPANY_STEMS)} {rng.choice(COMPANY_TRADES)}"


def companies(rng: random.Random, count: int) -> list[str]:
    """`count` different companies."""
    found: dict[str, None] = {}
    while len(found) < count:
        found[company(rng)] = None
    return list(found)


def product(rng: random.Random, kind: str | None = None) -> str:
    """As in `copper kettle`; of one kind of `PRODUCT_NOUNS`, or of any."""
    nouns = PRODUCT_NOUNS[kind if kind is not None else rng.choice(tuple(PRODUCT_NOUNS))]
    return f"{rng.choice(MATERIALS)} {rng.choice(nouns)}"


def address(rng: random.Random) -> str:
    """House number and street, as in `17 Orchard Lane`."""
    return f"{rng.randint(1, 240)} {rng.choice(STREETS)} {rng.choice(STREET_KINDS)}"


def phone(rng: random.Random) -> str:
    """Ten digits in three groups, as in `555-204-7719`."""
    return f"{rng.randint(200, 989)}-{rng.randint(200, 989)}-{rng.randint(0, 9999):04d}"


def date(rng: random.Random, first_year: int = 2015, last_year: int = 2024) -> str:
    """An ISO date, both years included; days up to 28, so that every one exists."""
    return f"{rng.randint(first_year, last_year)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"


def invented(rng: random.Random, syllables: int = 2) -> str:
    """A pronounceable word that no dictionary holds, as in `Skoanter`."""
    parts = [rng.choice(_ONSETS) + rng.choice(_VOWELS) for _ in range(syllables)]
    return ("".join(parts) + rng.choice(_CODAS)).capitalize()
