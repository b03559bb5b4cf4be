import { expect, test } from 'vitest';
import type { Part, Step, StepState, TestResult } from '../../api';
import { byPart } from './results';

const nothing = { code: '', values: {}, english: '' };
const one = (part: Part, step: Step, state: StepState): TestResult => ({
  part,
  step,
  state,
  message: nothing,
  cure: nothing,
});

test('several answers of one part stand together, faults are counted', () => {
  const groups = byPart([
    one('queue', 'folder', 'ok'),
    one('ledger', 'grant', 'failed'),
    one('ledger', 'grant', 'failed'),
    one('ledger', 'policy', 'not_reached'),
    one('queue', 'dns', 'ok'),
  ]);
  expect(groups.map((group) => [group.part, group.results.length, group.failed])).toEqual([
    ['queue', 2, 0],
    ['ledger', 3, 2],
  ]);
  expect(byPart([])).toEqual([]);
});
