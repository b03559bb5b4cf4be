import { describe, expect, it } from 'vitest';
import { composing, pressed } from './keys';

const press = (init: KeyboardEventInit) => new KeyboardEvent('keydown', init);

describe('shortcuts', () => {
  it('go by code and by exactly their modifiers', () => {
    expect(pressed(press({ code: 'Enter', ctrlKey: true }), 'Ctrl+Enter')).toBe(true);
    expect(pressed(press({ code: 'NumpadEnter', ctrlKey: true }), 'Ctrl+Enter')).toBe(true);
    expect(pressed(press({ code: 'Enter' }), 'Ctrl+Enter')).toBe(false);
    expect(pressed(press({ code: 'KeyC', key: 'Process', altKey: true }), 'Alt+C')).toBe(true);
    expect(pressed(press({ code: 'KeyZ', ctrlKey: true, shiftKey: true }), 'Ctrl+Z')).toBe(false);
    expect(pressed(press({ code: 'F5' }), 'F5')).toBe(true);
    expect(pressed(press({ code: 'Slash' }), '/')).toBe(true);
  });
  it('leave an IME alone', () => {
    expect(composing(press({ code: 'Enter', keyCode: 229 }))).toBe(true);
    expect(composing(press({ code: 'Enter', isComposing: true }))).toBe(true);
    expect(composing(press({ code: 'Enter' }))).toBe(false);
  });
});
