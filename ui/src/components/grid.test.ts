import { render, screen } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { createRawSnippet } from 'svelte';
import { describe, expect, it, vi } from 'vitest';
import { resized, toggled, type GridColumn } from './columns';
import Grid from './Grid.svelte';

const columns: GridColumn[] = [
  { word: 'Code', width: '80px', sort: 'ascending' },
  { word: 'Min.', title: 'Minimum', width: '1fr', isNumber: true, sort: 'none' },
  { word: 'Seen', width: '30px', isHidden: true },
];
const cells = createRawSnippet<[number]>((index) => ({
  render: () => `<span role="gridcell">row ${index()} −${index()}</span>`,
}));

async function grid(more: object = {}) {
  const onopen = vi.fn();
  render(Grid, { label: 'Goods', columns, count: 100, cells, onopen, ...more });
  const element = screen.getByRole('grid');
  element.focus();
  const at = () => element.querySelector('[aria-selected=true]')?.getAttribute('aria-rowindex');
  return { element, onopen, at, user: userEvent.setup() };
}

describe('a grid', () => {
  it('says how much there is and where the cursor stands', async () => {
    const { element, at } = await grid();
    expect(element.getAttribute('aria-rowcount')).toBe('101');
    expect(element.getAttribute('aria-colcount')).toBe('3');
    expect(at()).toBe('2');
    const active = element.getAttribute('aria-activedescendant');
    expect(document.getElementById(active ?? '')?.getAttribute('aria-rowindex')).toBe('2');
    expect(element.querySelectorAll('[aria-selected]').length).toBeLessThan(50);
  });
  it('walks by key, and stays within its rows', async () => {
    const { user, at, onopen } = await grid({ count: 3 });
    await user.keyboard('{ArrowUp}');
    expect(at()).toBe('2');
    await user.keyboard('{ArrowDown}{ArrowDown}{ArrowDown}{ArrowDown}');
    expect(at()).toBe('4');
    await user.keyboard('{Home}');
    expect(at()).toBe('2');
    await user.keyboard('{End}{Enter}');
    expect(onopen).toHaveBeenCalledExactlyOnceWith(2);
    await user.keyboard('{PageUp}');
    expect(at()).toBe('3');
  });
  it('leaves Enter to an input method, and keys with Ctrl or Alt to whoever has them', async () => {
    const { element, onopen, at } = await grid();
    const press = (init: KeyboardEventInit) =>
      element.dispatchEvent(new KeyboardEvent('keydown', { ...init, bubbles: true }));
    press({ code: 'Enter', isComposing: true });
    press({ code: 'Enter', ctrlKey: true });
    press({ code: 'ArrowDown', altKey: true });
    expect(onopen).not.toHaveBeenCalled();
    expect(at()).toBe('2');
  });
  it('opens nothing where nothing is', async () => {
    const { user, onopen } = await grid({ count: 0 });
    await user.keyboard('{Enter}');
    expect(onopen).not.toHaveBeenCalled();
  });
  it('moves the cursor by a click, and opens by two', async () => {
    const { user, element, at, onopen } = await grid();
    const row = element.querySelector('[aria-rowindex="5"]');
    if (row) await user.dblClick(row);
    expect(at()).toBe('5');
    expect(onopen).toHaveBeenCalledExactlyOnceWith(3);
  });
  it('has no cursor where rows are only read', async () => {
    const { element } = await grid({ hasCursor: false });
    expect(element.querySelector('[aria-selected]')).toBeNull();
    expect(element.hasAttribute('tabindex')).toBe(false);
    expect(element.hasAttribute('aria-activedescendant')).toBe(false);
  });
  it('copies the row of the cursor for a spreadsheet', async () => {
    const { element, user } = await grid();
    // The double click above selected a word, which would go first.
    getSelection()?.removeAllRanges();
    await user.keyboard('{ArrowDown}');
    const event = new ClipboardEvent('copy', { clipboardData: new DataTransfer(), bubbles: true });
    element.dispatchEvent(event);
    expect(event.clipboardData?.getData('text/plain')).toBe('row 1 -1');
  });
});

describe('the headings of a grid', () => {
  it('sort, and say how', async () => {
    const onsort = vi.fn();
    const { user } = await grid({ onsort });
    const heads = screen.getAllByRole('columnheader');
    expect(heads.map((h) => h.getAttribute('aria-sort'))).toEqual(['ascending', null, null]);
    await user.click(screen.getByRole('button', { name: 'Min.' }));
    expect(onsort).toHaveBeenCalledExactlyOnceWith(1);
    expect(heads[2]?.querySelector('.only-spoken')?.textContent).toBe('Seen');
  });
  it('are made wider by Alt and an arrow', async () => {
    const onresize = vi.fn();
    const { user } = await grid({ onresize });
    screen.getByRole('button', { name: 'Min.' }).focus();
    await user.keyboard('{Alt>}{ArrowRight}{/Alt}');
    expect(onresize).toHaveBeenCalledExactlyOnceWith([0, 0, 0], 1, 12);
  });
  it('give to one column what they take from the next', () => {
    const list = ['a', 'b', 'c'].map((id) => ({ id, share: 1 }));
    expect(resized(list, [100, 100, 100], 1, 20)).toEqual({ a: 100, b: 120, c: 80 });
    expect(resized(list, [100, 100, 100], 2, 20)).toEqual({});
  });
  it('hide and show, but never all that are needed', () => {
    expect(toggled([], 'a', ['a', 'b'])).toEqual(['a']);
    expect(toggled(['a'], 'a', ['a', 'b'])).toEqual([]);
    expect(toggled(['a'], 'b', ['a', 'b'])).toEqual(['a']);
    expect(toggled(['a'], 'c', ['a', 'b'])).toEqual(['a', 'c']);
  });
});
