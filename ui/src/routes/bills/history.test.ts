import { describe, expect, it } from 'vitest';
import { amend, begin, record, redo, seal, undo } from './history';

describe('undo', () => {
  it('takes typing in one cell as one step', () => {
    let h = begin('');
    for (const text of ['1', '12', '123']) h = record(h, text, '1.quantity');
    h = record(h, '123a', '1.description');
    expect(undo(h).present).toBe('123');
    expect(undo(undo(h)).present).toBe('');
    expect(undo(undo(undo(h))).present).toBe('');
    expect(redo(redo(undo(undo(h)))).present).toBe('123a');
  });
  it('starts a new step when a cell was left in between', () => {
    let h = record(begin('a'), 'b', 'x');
    h = record(seal(h), 'c', 'x');
    expect(undo(h).present).toBe('b');
  });
  it('forgets the future on a change, keeps it on an amendment', () => {
    const h = undo(record(begin('a'), 'b', 'x'));
    expect(record(h, 'c', 'y').future).toEqual([]);
    expect(amend(h, 'a2').future).toEqual(['b']);
  });
});
