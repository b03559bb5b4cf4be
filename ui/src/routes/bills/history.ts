// Undo: a stack of whole drafts. Typing in one cell is one step, however many letters it had.

export interface History<T> {
  past: { value: T; cell: string }[];
  present: T;
  future: T[];
  /** The cell of the last change; null = the next change is a step of its own. */
  cell: string | null;
}

const depth = 500;

export function begin<T>(present: T): History<T> {
  return { past: [], present, future: [], cell: null };
}

/** `cell` names what was changed; changes to the same cell in a row are one step. */
export function record<T>(h: History<T>, next: T, cell: string): History<T> {
  if (next === h.present) return h;
  if (h.cell === cell && h.past.length > 0) return { ...h, present: next, future: [] };
  const past = [...h.past, { value: h.present, cell }].slice(-depth);
  return { past, present: next, future: [], cell };
}

/** Ends the current step: leaving a cell, posting. */
export function seal<T>(h: History<T>): History<T> {
  return h.cell === null ? h : { ...h, cell: null };
}

/** Changes the present without a step of its own (a name looked up, a blank line added). */
export function amend<T>(h: History<T>, next: T): History<T> {
  return next === h.present ? h : { ...h, present: next };
}

export function undo<T>(h: History<T>): History<T> {
  const last = h.past[h.past.length - 1];
  if (!last) return h;
  const past = h.past.slice(0, -1);
  return { past, present: last.value, future: [h.present, ...h.future], cell: null };
}

export function redo<T>(h: History<T>): History<T> {
  const [next, ...future] = h.future;
  if (next === undefined) return h;
  return { past: [...h.past, { value: h.present, cell: '' }], present: next, future, cell: null };
}
