// Lines of the audit log, newest first, and the mark that a person has reviewed one.
import { ask, failure, type AuditLine, type AuditSearch } from '../../api';
import { GrowingList } from '../../shell/growing.svelte';

const page = 200;
export const anyLine: AuditSearch = {
  audit_id: null,
  subject: '',
  cause: null,
  who: '',
  days: null,
  before: null,
};

export class Log extends GrowingList<AuditLine> {
  #search: AuditSearch = anyLine;

  async open(search: AuditSearch): Promise<void> {
    this.#search = search;
    await this.begin();
  }

  protected override async next(last: AuditLine | undefined) {
    const search = { ...this.#search, before: last?.id ?? null };
    const rows = await ask('audit_lines', { search, limit: page });
    return { rows, isLast: rows.length < page };
  }

  /** Marks a line as reviewed, or as not reviewed. */
  async review(line: AuditLine): Promise<void> {
    const reviewed = !line.reviewed;
    try {
      await ask('audit_review', { id: line.id, reviewed });
      this.list = this.list.map((l) => (l.id === line.id ? { ...l, reviewed } : l));
      this.trouble = null;
    } catch (error) {
      this.trouble = failure(error);
    }
  }
}
