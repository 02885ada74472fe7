"""What is asked of a page, in JavaScript: a function of one request `{ask, ...}`, run in a world of its own.

Names of controls follow what people see: an aria-label, the label's text, the text of a button or link, a placeholder.
"""

FUNCTION = r"""
function (request) {
  const tidy = text => (text || '').replace(/\s+/g, ' ').trim();
  const lower = text => tidy(text).toLowerCase();
  const isShown = element => {
    if (!element.getClientRects().length) return false;
    return getComputedStyle(element).visibility === 'visible';
  };
  const top = () => document.querySelector('dialog:modal') || document.body;
  const CONTROLS = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [role=button], [role=link]';
  const BOXES = 'tr, li, article, fieldset, form, dialog, section, details, nav, aside, main';

  const nameOf = element => {
    const aria = element.getAttribute('aria-label');
    if (aria) return tidy(aria);
    const labelled = element.getAttribute('aria-labelledby');
    if (labelled) return tidy(labelled.split(/\s+/).map(id => document.getElementById(id)?.innerText).join(' '));
    if (element.matches('input, select, textarea')) {
      if (['submit', 'button', 'reset'].includes(element.type)) return tidy(element.value);
      for (const label of element.labels || []) {
        const copy = label.cloneNode(true);
        copy.querySelectorAll('input, select, textarea, button').forEach(inner => inner.remove());
        if (tidy(copy.textContent)) return tidy(copy.textContent);
      }
      return tidy(element.placeholder || element.title || element.name);
    }
    const image = element.querySelector('img[alt]');
    return tidy(element.innerText) || tidy(image && image.alt) || tidy(element.title);
  };
  const kindOf = element => {
    const tag = element.tagName.toLowerCase();
    if (tag === 'a') return 'link';
    if (tag === 'select') return 'choice';
    if (tag === 'textarea') return 'field';
    if (tag === 'input') {
      if (element.type === 'checkbox' || element.type === 'radio') return element.type;
      return ['submit', 'button', 'reset', 'image'].includes(element.type) ? 'button' : 'field';
    }
    return tag === 'summary' ? 'summary' : (element.getAttribute('role') || 'button');
  };
  const valueOf = element => {
    if (element.matches('input[type=checkbox], input[type=radio]')) return element.checked ? 'on' : 'off';
    if (element.tagName === 'SELECT') return tidy(element.selectedOptions[0]?.textContent);
    return element.value;
  };

  const boxText = (element, wanted) => {
    for (let box = element.closest(BOXES); box; box = box.parentElement && box.parentElement.closest(BOXES)) {
      if (box.matches('main, body')) return false;
      if (lower(box.innerText).includes(wanted)) return box;
    }
    return false;
  };
  const depth = box => { let count = 0; for (; box; box = box.parentElement) count++; return count; };

  const find = target => {
    let found;
    if (target.css) {
      try { found = [...document.querySelectorAll(target.css)]; }
      catch { return {error: `${target.css} is not a CSS selector`}; }
      found = found.filter(isShown);
    } else {
      const wanted = lower(target.on);
      const named = [...top().querySelectorAll(CONTROLS)].filter(isShown).filter(element =>
        !target.kind || kindOf(element) === target.kind).map(element => [element, lower(nameOf(element))]);
      found = named.filter(([, name]) => name === wanted);
      if (!found.length) found = named.filter(([, name]) => name.includes(wanted));
      found = found.map(([element]) => element);
    }
    if (target.in) {  // the smallest boxes around them that hold this text
      const boxed = found.map(element => [element, boxText(element, lower(target.in))]).filter(([, box]) => box);
      const deepest = Math.max(...boxed.map(([, box]) => depth(box)));
      found = boxed.filter(([, box]) => depth(box) === deepest).map(([element]) => element);
    }
    const label = target.css ? target.css : target.on;
    const where = target.in ? ` in a box with "${target.in}"` : '';
    if (!found.length) {
      const names = [...new Set([...top().querySelectorAll(CONTROLS)].filter(isShown).map(nameOf))].filter(Boolean);
      return {error: `nothing on the page is called "${label}"${where}; there are: ${names.slice(0, 40).join(' | ')}`};
    }
    if (target.nth) {
      if (target.nth > found.length) return {error: `"${label}"${where}: only ${found.length} of that name`};
      return {element: found[target.nth - 1]};
    }
    if (found.length > 1) {
      const list = found.slice(0, 6).map(element => {
        const box = element.closest('tr, li, article, fieldset, form');
        return `${kindOf(element)} "${nameOf(element)}" in "${tidy(box && box.innerText).slice(0, 50)}"`;
      });
      return {error: `"${label}"${where} is ambiguous, ${found.length} are on the page; say "in" (a text of its ` +
        `row or box) or "nth" (1 is the first): ${list.join('; ')}`};
    }
    return {element: found[0]};
  };

  const setValue = (element, value) => {
    const prototype = Object.getPrototypeOf(element);
    Object.getOwnPropertyDescriptor(prototype, 'value').set.call(element, value);
    element.dispatchEvent(new Event('input', {bubbles: true}));
    element.dispatchEvent(new Event('change', {bubbles: true}));
  };
  const usable = element => {
    if (element.matches(':disabled')) return `"${nameOf(element)}" is disabled`;
    return null;
  };

  const outline = () => {
    const lines = [];
    let line = '';
    const flush = () => { if (tidy(line)) lines.push(tidy(line)); line = ''; };
    const walk = node => {
      if (node.nodeType === Node.TEXT_NODE) { line += node.textContent; return; }
      if (node.nodeType !== Node.ELEMENT_NODE || node.matches('script, style, template, option')) return;
      if (node.tagName === 'BR') { flush(); return; }
      if (!isShown(node) && getComputedStyle(node).display !== 'contents') return;
      const isBlock = !/^inline/.test(getComputedStyle(node).display) && !node.matches('td, th');
      if (node.matches('td, th') && tidy(line)) line += ' | ';
      if (node.matches(CONTROLS)) {
        const kind = kindOf(node), name = nameOf(node), off = node.matches(':disabled') ? ' (disabled)' : '';
        if (kind === 'link') line += ` [link "${name}"]`;
        else if (kind === 'button' || kind === 'summary') line += ` [${kind} "${name}"${off}]`;
        else if (kind === 'choice') {
          const options = [...node.options].map(option => tidy(option.textContent));
          line += ` [choice "${name}" = "${valueOf(node)}" of: ${options.join(' / ')}${off}]`;
        } else line += ` [${kind} "${name}" = "${valueOf(node)}"${off}]`;
        if (kind !== 'summary') return;
      }
      if (isBlock) flush();
      const heading = /^H([1-6])$/.exec(node.tagName);
      if (heading) line += '#'.repeat(Number(heading[1])) + ' ';
      if (node.tagName === 'LI') line += '- ';
      if (node.tagName === 'IMG') line += node.alt ? ` (picture: ${node.alt}) ` : '';
      if (node.tagName === 'LABEL') {  // its text is the name of its control
        node.querySelectorAll(CONTROLS).forEach(walk);
        if (!node.control) node.childNodes.forEach(walk);
      } else node.childNodes.forEach(walk);
      if (isBlock) flush();
      else if (node.matches('span, b, strong, em, small')) line += ' ';
    };
    walk(top());
    flush();
    return lines.join('\n');
  };

  if (request.ask === 'look') {
    const fields = {};
    for (const element of document.querySelectorAll('input:not([type=hidden]), select, textarea')) {
      if (isShown(element) && element.type !== 'submit') fields[nameOf(element)] ??= valueOf(element);
    }
    return {url: location.href, title: document.title, text: tidy(top().innerText), outline: outline(), fields};
  }
  const found = find(request.target);
  if (found.error) return {error: found.error, again: true};
  const element = found.element;
  if (request.ask === 'element') return element;
  if (request.ask === 'exists') return {};
  const refusal = usable(element);
  if (refusal) return {error: refusal, again: true};
  if (request.ask === 'place') {
    element.scrollIntoView({block: 'center', inline: 'center', behavior: 'instant'});
    const box = [...element.getClientRects()].find(rect => rect.width && rect.height);
    if (!box) return {error: `"${nameOf(element)}" has no extent on the page`, again: true};
    const x = box.left + box.width / 2, y = box.top + box.height / 2;
    const hit = document.elementFromPoint(x, y);
    const covers = [...(element.labels || [])];
    const isReached = hit && (element.contains(hit) || hit.contains(element) || covers.some(l => l.contains(hit)));
    if (!isReached) return {error: `"${nameOf(element)}" is covered by something else`, again: true};
    return {x, y, checked: element.checked === true, kind: kindOf(element), name: nameOf(element)};
  }
  if (request.ask === 'edit') {
    if (!element.matches('input, textarea') || /^(checkbox|radio|submit|button|file|image|reset)$/.test(element.type))
      return {error: `"${nameOf(element)}" is a ${kindOf(element)}, not a field for text`};
    if (element.readOnly) return {error: `"${nameOf(element)}" cannot be edited`};
    if (/^(date|time|month|week|datetime-local|range|color)$/.test(element.type)) {
      setValue(element, request.text);
      if (element.value !== request.text)
        return {error: `"${nameOf(element)}" takes no ${element.type} like "${request.text}"`};
      return {isDone: true};
    }
    element.focus();
    element.select();
    return {isDone: false};
  }
  if (request.ask === 'choose') {
    if (element.tagName !== 'SELECT') return {error: `"${nameOf(element)}" is a ${kindOf(element)}, not a choice`};
    const options = [...element.options];
    const wanted = lower(request.option);
    const option = options.find(one => lower(one.textContent) === wanted) ||
      options.find(one => one.value === request.option);
    if (!option) {
      const texts = options.map(one => tidy(one.textContent)).join(' | ');
      return {error: `"${nameOf(element)}" has no option "${request.option}"; there are: ${texts}`, again: true};
    }
    if (option.disabled) return {error: `option "${request.option}" of "${nameOf(element)}" is disabled`};
    element.focus();
    element.selectedIndex = options.indexOf(option);
    element.dispatchEvent(new Event('input', {bubbles: true}));
    element.dispatchEvent(new Event('change', {bubbles: true}));
    return {isDone: true};
  }
  return {error: `unknown request ${request.ask}`};
}
"""
