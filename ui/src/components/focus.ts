// Moves the focus when slow work is done.
import { tick } from 'svelte';

/** Waits for the work, then lets `give` move the focus, unless the person has moved it meanwhile. */
export async function focusAfter(work: Promise<unknown>, give: () => void): Promise<void> {
  const before = document.activeElement;
  await work;
  await tick();
  const now = document.activeElement;
  if (now === before || now === null || now === document.body) give();
}
