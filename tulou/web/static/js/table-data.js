// The rows of a split as pages of a hundred, fetched when they are needed and kept for a while.
export const PAGE = 100;
const KEPT = 60;
const CUT = 500;

export class Rows {
  constructor(place) {
    this.place = place;
    this.ask({});
  }

  // Begin anew with other rows: of a search, or of a condition and an order.
  ask({ query = "", where = "", orderby = "" }) {
    this.asked = { query, where, orderby };
    this.pages = new Map();
    this.leaving?.abort();
    this.leaving = new AbortController();
  }

  // Return a row by its position if it is here.
  at(position) {
    return this.pages.get(Math.floor(position / PAGE))?.rows?.[position % PAGE];
  }

  // Fetch the page of a position unless it is here or on its way. Resolves to the answer.
  need(position) {
    const number = Math.floor(position / PAGE);
    const known = this.pages.get(number);
    if (known) {
      this.pages.delete(number);
      this.pages.set(number, known);
      return known.answer;
    }
    const page = {};
    page.answer = this.fetched({ offset: number * PAGE, length: PAGE, truncate: CUT, ...this.words() }).then((answer) => {
      page.rows = answer.rows;
      return answer;
    });
    page.answer.catch(() => this.pages.get(number) === page && this.pages.delete(number));
    this.pages.set(number, page);
    if (this.pages.size > KEPT) this.pages.delete(this.pages.keys().next().value);
    return page.answer;
  }

  // Fetch one row by its number, with nothing cut.
  async whole(number) {
    return (await get("rows", { ...this.place, offset: number, length: 1 })).rows[0];
  }

  statistics() {
    return get("statistics", this.place);
  }

  words() {
    const { query, where, orderby } = this.asked;
    return query ? { query } : { ...(where && { where }), ...(orderby && { orderby }) };
  }

  fetched(more) {
    const { query, where, orderby } = this.asked;
    const what = query ? "search" : where || orderby ? "filter" : "rows";
    return get(what, { ...this.place, ...more }, this.leaving.signal);
  }
}

async function get(what, parameters, signal) {
  const answer = await fetch(`/api/viewer/${what}?${new URLSearchParams(parameters)}`, { signal });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error ?? answer.statusText);
  return body;
}
