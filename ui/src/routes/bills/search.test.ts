import { describe, expect, it } from 'vitest';
import { searchOf } from './search';

describe('bill search', () => {
  it.each([
    ['acme', { text: 'acme', from: '', to: '' }],
    ['acme 2026-11-03', { text: 'acme', from: '2026-11-03', to: '2026-11-03' }],
    ['2026-2', { text: '', from: '2026-02-01', to: '2026-02-28' }],
    ['2026-11-20 2026/11/23', { text: '', from: '2026-11-20', to: '2026-11-23' }],
    ['IN-20261123-0007', { text: 'IN-20261123-0007', from: '', to: '' }],
    ['2026', { text: '2026', from: '', to: '' }],
    ['2026-13', { text: '2026-13', from: '', to: '' }],
  ])('%s', (text, found) => expect(searchOf(text)).toEqual(found));
});
