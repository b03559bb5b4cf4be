import { describe, expect, it } from 'vitest';
import type { AuditRun } from '../../api';
import { days, exported, isForLines, isSearch, noFilter } from './filter';

const run = { id: 7 } as AuditRun;

describe('what is exported', () => {
  it('is the result on screen', () => {
    expect(exported(null, run).audit_id).toBe(7);
    expect(exported(null, null).audit_id).toBeNull();
  });
  it('is the whole log in History, or what is searched there, or the run that is open', () => {
    expect(exported(noFilter, run).audit_id).toBeNull();
    const found = exported({ ...noFilter, text: 'W1', cause: 'row_missing' }, run);
    expect(found).toEqual({
      audit_id: null,
      subject: 'W1',
      cause: 'row_missing',
      who: '',
      days: null,
      before: null,
    });
    const dated = exported({ ...noFilter, who: 'li', from: '2026-3-1' }, run);
    expect(dated).toMatchObject({ who: 'li', days: { from: '2026-03-01', to: null } });
    expect(exported({ ...noFilter, run: { ...run, id: 3 } }, run).audit_id).toBe(3);
  });
});

describe('what is searched', () => {
  it('is lines by their words, and runs as well by who and when', () => {
    expect([isSearch(noFilter), isForLines(noFilter)]).toEqual([false, false]);
    expect(isForLines({ ...noFilter, text: 'W1' })).toBe(true);
    const who = { ...noFilter, who: 'li' };
    expect([isSearch(who), isForLines(who)]).toEqual([true, false]);
  });
  it('has days, or none, or ones that are not typed to their end', () => {
    expect(days(noFilter)).toBeNull();
    expect(days({ ...noFilter, to: '2026/3/9' })).toEqual({ from: null, to: '2026-03-09' });
    expect(days({ ...noFilter, from: '2026-3' })).toBeUndefined();
    expect(days({ ...noFilter, from: '2026-03-10', to: '2026-03-09' })).toBeUndefined();
  });
});
