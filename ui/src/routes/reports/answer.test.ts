import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Answer, kept } from './answer.svelte';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Questions that take so long each, counted. */
function slow(ms: number) {
  const asked = { count: 0 };
  const question = () => {
    asked.count += 1;
    const mine = asked.count;
    return new Promise<number>((done) => setTimeout(() => done(mine), ms));
  };
  return { asked, question };
}

it('asks again by itself only after nine times as long as it takes, at once when a person asks', async () => {
  const { asked, question } = slow(100);
  const answer = new Answer<number>();
  const come = vi.fn();
  answer.ask(question, come);
  await vi.advanceTimersByTimeAsync(100);
  expect([answer.value, come.mock.calls]).toEqual([1, [[null]]]);
  // Several that follow are one.
  for (let i = 0; i < 5; i += 1) answer.ask(question, come, true);
  await vi.advanceTimersByTimeAsync(890);
  expect(asked.count).toBe(1);
  await vi.advanceTimersByTimeAsync(110);
  expect([asked.count, answer.value]).toEqual([2, 2]);
  answer.ask(question, come, true);
  answer.ask(question, come);
  await vi.advanceTimersByTimeAsync(100);
  expect([asked.count, answer.value]).toEqual([3, 3]);
  await vi.advanceTimersByTimeAsync(5000);
  expect(asked.count).toBe(3);
});

it('never asks twice at once by itself, and not when nobody looks any more', async () => {
  const { asked, question } = slow(2000);
  const answer = new Answer<number>();
  answer.ask(question, () => undefined);
  answer.ask(question, () => undefined, true);
  await vi.advanceTimersByTimeAsync(1900);
  expect(asked.count).toBe(1);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(asked.count).toBe(2);
  answer.ask(question, () => undefined, true);
  answer.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked.count).toBe(2);
});

it('keeps the cursor on its row wherever it went', () => {
  const key = (text: string) => text;
  expect(kept(['a', 'b', 'c'], 1, ['new', 'a', 'b'], key)).toBe(2);
  expect(kept(['a', 'b', 'c'], 2, ['a', 'b'], key)).toBe(1);
  expect(kept(undefined, 0, [], key)).toBe(0);
});
