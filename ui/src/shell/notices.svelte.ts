// Tells of deviations beside the window: an audit runs by time, or elsewhere, while nobody looks here.
import { ask, type LastAudit } from '../api';
import { formatCount } from '../reading/quantity';
import { m } from '../i18n/paraglide/messages';
import { nav } from './nav.svelte';
import { Lookout } from './notices';
import { status } from './status.svelte';

/** An audit that corrects at once has done so by then. */
const momentMs = 4000;

/** For as long as the calling component lives. */
export function tellOfDeviations(): void {
  const lookout = new Lookout();
  const timers: ReturnType<typeof setTimeout>[] = [];
  const tell = (seen: LastAudit) => {
    const last = status.current?.last_audit ?? null;
    if (!lookout.take(seen, last) || !last) return;
    // Whoever looks at the result needs no notification of it.
    if (document.hasFocus() && nav.screen === 'audit') return;
    const text = m.audit_notice_text({ at: last.at, count: formatCount(last.lines) });
    void ask('notify', { title: m.audit_notice(), text }).catch(() => undefined);
  };
  $effect(() => {
    const s = status.current;
    if (s?.parts.find((p) => p.part === 'ledger')?.state !== 'up') return;
    const last = s.last_audit;
    if (lookout.isNews(last) && last) timers.push(setTimeout(() => tell(last), momentMs));
  });
  $effect(() => () => timers.forEach(clearTimeout));
}
