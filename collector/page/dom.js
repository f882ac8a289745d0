// How rows come into the page. What kiosks report is only ever set as text.

/// An element with properties and children; strings among them become text.
export function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === 'data') Object.assign(node.dataset, value);
    else if (name === 'class') node.className = value;
    else node[name] = value;
  }
  node.append(...children.filter((child) => child != null && child !== ''));
  return node;
}

/// Makes the children of `parent` those that `build` makes of `items`. What has not changed stays
/// the same element, so that a click or the focus never falls between two of them.
export function sync(parent, items, { key, sign, build }) {
  const old = new Map();
  for (const child of parent.children) old.set(child.dataset.key, child);
  let cursor = parent.firstElementChild;
  for (const item of items) {
    const name = String(key(item));
    const signature = sign(item);
    let node = old.get(name);
    old.delete(name);
    if (!node || node.signature !== signature) {
      const fresh = build(item);
      fresh.dataset.key = name;
      fresh.signature = signature;
      if (node) {
        const focused = node.contains(document.activeElement);
        if (cursor === node) cursor = fresh;
        node.replaceWith(fresh);
        if (focused) (fresh.querySelector('button') ?? fresh).focus();
      }
      node = fresh;
    }
    if (node === cursor) cursor = cursor.nextElementSibling;
    else parent.insertBefore(node, cursor);
  }
  for (const gone of old.values()) gone.remove();
}
