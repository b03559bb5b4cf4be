// Geometry through the CSSOM: the content security policy refuses style attributes.

/** Sets CSS properties (custom ones too) on an element and keeps them current. */
export function place(node: HTMLElement, css: Record<string, string>) {
  const apply = (next: Record<string, string>) => {
    for (const [name, value] of Object.entries(next)) node.style.setProperty(name, value);
  };
  apply(css);
  return { update: apply };
}
