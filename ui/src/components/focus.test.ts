import { beforeEach, describe, expect, it, vi } from 'vitest';
import { focusAfter } from './focus';

describe('keys after work', () => {
  const give = vi.fn();
  const [first, second] = [document.createElement('input'), document.createElement('input')];
  beforeEach(() => {
    give.mockClear();
    document.body.replaceChildren(first, second);
  });

  it('go on where nobody has moved them', async () => {
    first.focus();
    await focusAfter(Promise.resolve(), give);
    expect(give).toHaveBeenCalledOnce();
  });
  it('stay with a person who types elsewhere by then', async () => {
    first.focus();
    await focusAfter(
      Promise.resolve().then(() => second.focus()),
      give,
    );
    expect(give).not.toHaveBeenCalled();
    expect(document.activeElement).toBe(second);
  });
  it('go on when what had them is gone', async () => {
    first.focus();
    await focusAfter(
      Promise.resolve().then(() => first.remove()),
      give,
    );
    expect(give).toHaveBeenCalledOnce();
  });
});
