import { describe, expect, it } from 'vitest';
import type { AuditRun } from '../../api';
import { exported, noFilter } from './filter';

const run = { id: 7 } as AuditRun;

describe('what is exported', () => {
  it('is the result on screen', () => {
    expect(exported(null, run).audit_id).toBe(7);
    expect(exported(null, null).audit_id).toBeNull();
  });
  it('is the whole log in History, or what is searched there, or the run that is open', () => {
    expect(exported(noFilter, run).audit_id).toBeNull();
    const found = exported({ ...noFilter, text: 'W1', cause: 'row_missing' }, run);
    expect(found).toEqual({ audit_id: null, subject: 'W1', cause: 'row_missing', before: null });
    expect(exported({ ...noFilter, run: { ...run, id: 3 } }, run).audit_id).toBe(3);
  });
});
