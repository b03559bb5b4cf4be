// Files of the report on screen: one at a time, with progress, and cancelled while it is under way.
import { ask, failure, listen } from '../../api';
import type { Failure, ReportFile, ReportPicture, ReportProgress } from '../../api';
import { formatCount } from '../../reading/quantity';
import { locale } from '../../i18n/locale.svelte';
import { m } from '../../i18n/paraglide/messages';
import { said } from '../../i18n/said';
import { toasts } from '../../shell/toasts.svelte';
import { chartView } from './charts.svelte';
import { report } from './view.svelte';
import { chartWords, periodWord } from './words';

class Exporting {
  isRunning = $state(false);
  /** It takes long enough to say so. */
  isLate = $state(false);
  isEnding = $state(false);
  progress = $state.raw<ReportProgress | null>(null);
  trouble = $state.raw<Failure | null>(null);
  #late: ReturnType<typeof setTimeout> | undefined;

  /** Every row of the report, in the language on screen. */
  table(format: ReportFile): Promise<void> {
    const query = report.query;
    if (!query) return Promise.resolve();
    return this.#guarded(async () => {
      const language = locale.current;
      const feed = listen('report_export', { query, format, language, path: null }, (now) => {
        this.progress = now;
        // The first word comes when the file has its name: choosing one is no work.
        this.#late ??= setTimeout(() => (this.isLate = true), 300);
      });
      const done = await feed.answer.finally(feed.stop);
      if (done.path === null) return;
      const { path, rows } = done;
      // Pages are not counted by rows.
      toasts.show(
        format === 'pdf' ? m.written({ path }) : m.exported({ count: formatCount(rows), path }),
      );
    });
  }

  /** The chart as it is on screen, with a title and a legend of its own. */
  picture(format: ReportPicture): Promise<void> {
    const { query, opened } = report;
    if (!query || !opened) return Promise.resolve();
    return this.#guarded(async () => {
      const chart = chartView.kind;
      const title = `${chartWords[chart]()} · ${periodWord(opened.from, opened.to)}`;
      const look = chartView.look(title, true);
      const group = chart === 'history' ? chartView.group : [];
      const args = { query, group, chart, look, format, path: null };
      const done = await ask('report_chart_export', args);
      if (done.path !== null) toasts.show(m.written({ path: done.path }));
    });
  }

  async cancel(): Promise<void> {
    this.isEnding = true;
    await ask('report_cancel', {}).catch(() => undefined);
  }

  async #guarded(what: () => Promise<void>): Promise<void> {
    if (this.isRunning) return;
    this.isRunning = true;
    this.trouble = null;
    this.progress = null;
    try {
      await what();
    } catch (error) {
      const failed = failure(error);
      if (failed.code === 'cancelled') toasts.show(said(failed.message), 'plain');
      else this.trouble = failed;
    } finally {
      clearTimeout(this.#late);
      this.#late = undefined;
      this.isLate = false;
      this.isRunning = false;
      this.isEnding = false;
    }
  }
}

export const exporting = new Exporting();
