// Where the keys go once something that takes its time is done.
import { tick } from 'svelte';

/** Does the work, then gives the keys where `give` says, unless the person has put them elsewhere meanwhile. */
export async function focusAfter(work: Promise<unknown>, give: () => void): Promise<void> {
  const before = document.activeElement;
  await work;
  await tick();
  const now = document.activeElement;
  if (now === before || now === null || now === document.body) give();
}
