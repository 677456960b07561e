/** How well a mail that was found matches: by where the words that were asked for stand in it. */

import { indexedWords, indexPhrase, phraseWords } from "./index_text.ts";
import type { Query, TextField } from "./query.ts";

/** What a mail's header has, and the names of its attachments. */
export interface MailHeadline {
  readonly subject: string;
  readonly from: string;
  readonly to: string;
  readonly cc: string;
  readonly attachments: readonly string[];
}

interface Place {
  readonly field: TextField;
  readonly score: number;
  text(mail: MailHeadline): string;
}

/** Best first. A mail that has the words elsewhere, in its text or its envelope, has no score for them. */
const PLACES: readonly Place[] = [
  { field: "subject", score: 10, text: ({ subject }) => subject },
  { field: "from", score: 4, text: ({ from }) => from },
  { field: "attachment", score: 3, text: ({ attachments }) => attachments.join("\n") },
  { field: "to", score: 2, text: ({ to, cc }) => `${to}\n${cc}` },
];

/** Gives the score of a mail; null where the query asks for no text, so that all mails would be equal. */
export function mailScore(query: Query): ((mail: MailHeadline) => number) | null {
  const wanted = wantedTexts(query);
  if (wanted.length === 0) return null;
  return (mail) => {
    // Most mails have the words in their text alone, which one look at all places shows.
    const everywhere = indexedWords(PLACES.map(({ text }) => text(mail)).join("\n"));
    const present = wanted.filter(({ phrase }) => everywhere.includes(phrase));
    return present.length === 0 ? 0 : placesScore(present, mail);
  };
}

/** The sum, over the texts, of the score of the best place that each stands in. */
function placesScore(wanted: readonly WantedText[], mail: MailHeadline): number {
  let total = 0;
  let missing = wanted;
  for (const { field, score, text } of PLACES) {
    if (!missing.some((term) => mayStandIn(term, field))) continue;
    const words = indexedWords(text(mail));
    const left = missing.filter((term) => !(mayStandIn(term, field) && words.includes(term.phrase)));
    total += score * (missing.length - left.length);
    missing = left;
  }
  return total;
}

function mayStandIn(term: WantedText, field: TextField): boolean {
  return term.field === "any" || term.field === field;
}

interface WantedText {
  readonly field: TextField;
  /** As `indexedWords` has it, so that it is found from the beginning of a word. */
  readonly phrase: string;
}

/** The words and phrases that a mail should have, wherever in the query they stand. */
function wantedTexts(query: Query): WantedText[] {
  switch (query.kind) {
    case "and":
    case "or":
      return query.of.flatMap(wantedTexts);
    case "text":
      return [{ field: query.field, phrase: phraseWords(indexPhrase(query.text, query.prefix)) }];
    default:
      return [];
  }
}
