/** The keys of the query language, and what their values mean. */

import { SIZE_UNITS } from "../base/size_units.ts";
import { isSearchable } from "./index_text.ts";
import type { Query, TextField } from "./query.ts";

/** A word, phrase or value. */
export interface Written {
  readonly text: string;
  /** True where a star follows. */
  readonly prefix: boolean;
}

/** Why a value isn't one. */
export interface QueryMistake {
  readonly kind: "mistake";
  readonly reason: string;
}

type MakeTerm = (value: Written, now: number) => Query | QueryMistake;

/** Every key, in the order in which they are listed. */
export const QUERY_KEYS: ReadonlyMap<string, MakeTerm> = new Map<string, MakeTerm>([
  ["from", (value) => textTerm("from", value)],
  ["to", (value) => textTerm("to", value)],
  ["subject", (value) => textTerm("subject", value)],
  ["body", (value) => textTerm("body", value)],
  ["attachment", (value) => textTerm("attachment", value)],
  ["user", ({ text }) => ({ kind: "user", name: text })],
  ["proxy", ({ text }) => ({ kind: "proxy", name: text })],
  ["before", ({ text }, now) => dateTerm("before", text, now)],
  ["after", ({ text }, now) => dateTerm("after", text, now)],
  ["larger", ({ text }) => sizeTerm("larger", text)],
  ["smaller", ({ text }) => sizeTerm("smaller", text)],
  ["has", ({ text }) => hasTerm(text)],
]);

/** Words to look for in a field. */
export function textTerm(field: TextField, { text, prefix }: Written): Query | QueryMistake {
  if (isSearchable(text)) return { kind: "text", field, text, prefix };
  return mistake("there is no letter and no digit to search for");
}

function hasTerm(text: string): Query | QueryMistake {
  if (/^attachments?$/i.test(text)) return { kind: "has-attachment" };
  return mistake(`has:${text} isn't known; has:attachment is`);
}

function sizeTerm(kind: "larger" | "smaller", text: string): Query | QueryMistake {
  const [, number, unit = ""] = /^([0-9]+(?:\.[0-9]+)?)((?:[kmg]i?)?)b?$/i.exec(text) ?? [];
  const factor = SIZE_UNITS[unit.toLowerCase()];
  if (number === undefined || factor === undefined) return mistake(`'${text}' isn't a size such as 800K, 1.5M or 2GB`);
  return { kind, bytes: Math.round(Number(number) * factor) };
}

function dateTerm(kind: "before" | "after", text: string, now: number): Query | QueryMistake {
  const time = timeOf(text, now);
  if (time !== null) return { kind, time };
  return mistake(`'${text}' isn't a date such as 2026-01-31, 2026-01, today, yesterday, 7d, 2w, 3m or 1y`);
}

/** When a day, month or year begins in the machine's time zone; null where it isn't one. */
function timeOf(text: string, now: number): number | null {
  const today = new Date(now);
  const [year, month, day] = [today.getFullYear(), today.getMonth(), today.getDate()];
  const word = text.toLowerCase();
  if (word === "today") return startOfDay(year, month, day);
  if (word === "yesterday") return startOfDay(year, month, day - 1);
  const [, count, unit] = /^([0-9]{1,5})([dwmy])$/.exec(word) ?? [];
  switch (unit) {
    case "d":
      return startOfDay(year, month, day - Number(count));
    case "w":
      return startOfDay(year, month, day - 7 * Number(count));
    case "m":
      return startOfDay(year, month - Number(count), day);
    case "y":
      return startOfDay(year - Number(count), month, day);
  }
  const [date, ofYear, ofMonth = "1", ofDay = "1"] = /^([0-9]{4})(?:-([0-9]{1,2})(?:-([0-9]{1,2}))?)?$/.exec(word) ??
    [];
  return date === undefined ? null : calendarDay(Number(ofYear), Number(ofMonth), Number(ofDay));
}

/** Null for a day that the calendar hasn't got. */
function calendarDay(year: number, month: number, day: number): number | null {
  const time = startOfDay(year, month - 1, day);
  const date = new Date(time);
  return date.getMonth() === month - 1 && date.getDate() === day ? time : null;
}

/** `Date` takes years below 100 for those of the last century. */
function startOfDay(year: number, month: number, day: number): number {
  const date = new Date(2000, 0, 1);
  date.setFullYear(year, month, day);
  return date.getTime();
}

function mistake(reason: string): QueryMistake {
  return { kind: "mistake", reason };
}
