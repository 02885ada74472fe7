"""The shop's style sheet and its script."""

STYLE = """
body { font: 15px/1.45 "DejaVu Sans", sans-serif; margin: 0; color: #1d2a35; background: #f7f5f1; }
header { display: flex; gap: 1.2em; align-items: center; flex-wrap: wrap; background: #21445b; padding: .6em 1.5em; }
header, header a, header .plain { color: #fff; }
.brand { font-weight: bold; font-size: 1.25em; text-decoration: none; }
header form, header nav { display: inline-flex; gap: .8em; align-items: center; margin: 0; }
main { max-width: 1000px; margin: 0 auto; padding: 1em 1.5em 3em; }
footer { text-align: center; color: #667; padding: 1.5em; font-size: .85em; }
.notice, .error { max-width: 950px; margin: 1em auto 0; padding: .6em 1em; border-radius: 5px; background: #e2f1e2; }
.error { background: #f9dedc; }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(210px, 1fr)); gap: 1em; }
article, fieldset, aside { background: #fff; border: 1px solid #ddd6ca; border-radius: 6px; padding: .8em 1em; }
article h2, article h3 { font-size: 1em; margin: 0 0 .3em; }
.filters { display: flex; flex-wrap: wrap; gap: .8em; align-items: end; margin-bottom: 1em; }
form { margin: .4em 0; } label { display: inline-block; margin: .2em .6em .2em 0; }
fieldset label, .lines label { display: block; }
table { border-collapse: collapse; background: #fff; width: 100%; margin: .6em 0; }
th, td { text-align: left; padding: .45em .7em; border-bottom: 1px solid #e4ded3; vertical-align: top; }
button { background: #21445b; color: #fff; border: 0; border-radius: 4px; padding: .35em .9em; cursor: pointer; }
button.plain { background: none; color: #21445b; text-decoration: underline; padding: 0; }
button.danger { background: #9c2f2a; } button:disabled { background: #aab; cursor: default; }
.stepper { display: inline-flex; align-items: center; gap: .3em; } .stepper input { width: 4em; }
dialog { border: 1px solid #999; border-radius: 8px; padding: 1.2em 1.6em; }
dialog::backdrop { background: rgba(20, 30, 40, .5); }
"""

SCRIPT = """
'use strict';
document.addEventListener('click', event => {
  const step = event.target.closest('[data-step]');
  if (step) {
    const input = step.parentElement.querySelector('input');
    const wanted = Number(input.value || 0) + Number(step.dataset.step);
    input.value = Math.min(Number(input.max), Math.max(Number(input.min), wanted));
  }
  if (event.target.closest('[data-close]')) event.target.closest('p').remove();
});
document.addEventListener('submit', event => {
  const form = event.target, question = form.dataset.confirm;
  if (!question || form.dataset.isConfirmed) return;
  event.preventDefault();
  const dialog = document.createElement('dialog');
  const text = document.createElement('p');
  text.textContent = question;
  const yes = document.createElement('button'), no = document.createElement('button');
  yes.textContent = 'Yes, go on';
  no.textContent = 'No, go back';
  no.className = 'plain';
  yes.addEventListener('click', () => {
    dialog.close();
    form.dataset.isConfirmed = 'yes';
    form.requestSubmit(event.submitter);
  });
  no.addEventListener('click', () => dialog.close());
  dialog.addEventListener('close', () => dialog.remove());
  dialog.append(text, yes, ' ', no);
  document.body.append(dialog);
  dialog.showModal();
});
"""
