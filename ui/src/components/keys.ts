// Shortcuts, told by `code`: an IME may swallow the letter, but not the key.

const codes: Record<string, string> = {
  Esc: 'Escape',
  Del: 'Delete',
  '/': 'Slash',
  Up: 'ArrowUp',
  Down: 'ArrowDown',
};

function codeOf(name: string): string {
  if (/^[A-Z]$/.test(name)) return `Key${name}`;
  if (/^\d$/.test(name)) return `Digit${name}`;
  return codes[name] ?? name;
}

/** True while an IME is composing: Enter then chooses a candidate and is none of our business. */
export function composing(event: KeyboardEvent): boolean {
  return event.isComposing || event.keyCode === 229;
}

/** Does the event press this shortcut, written as in a menu: `Ctrl+Enter`, `Alt+C`, `F5`? */
export function pressed(event: KeyboardEvent, shortcut: string): boolean {
  const parts = shortcut.split('+');
  const name = parts[parts.length - 1] as string;
  const wants = (modifier: string) => parts.includes(modifier, 0) && name !== modifier;
  const code = codeOf(name);
  const same = event.code === code || (code === 'Enter' && event.code === 'NumpadEnter');
  const ctrl = event.ctrlKey || event.metaKey;
  return (
    same &&
    ctrl === wants('Ctrl') &&
    event.altKey === wants('Alt') &&
    event.shiftKey === wants('Shift')
  );
}

/** Is the person typing into a field, so that a bare key belongs to the field? */
export function inField(event: Event): boolean {
  const target = event.target;
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}
