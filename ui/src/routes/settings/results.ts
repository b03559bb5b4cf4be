// Answers of a connection test, gathered by the part that they are about.
import type { Part, TestResult } from '../../api';

export interface PartResults {
  part: Part;
  /** In the order in which the steps were walked. */
  results: TestResult[];
  /** How many of them failed. */
  failed: number;
}

/** One group per part, in the order in which the parts come first. */
export function byPart(results: TestResult[]): PartResults[] {
  const groups: PartResults[] = [];
  for (const result of results) {
    let group = groups.find((one) => one.part === result.part);
    if (!group) {
      group = { part: result.part, results: [], failed: 0 };
      groups.push(group);
    }
    group.results.push(result);
    if (result.state === 'failed') group.failed += 1;
  }
  return groups;
}
