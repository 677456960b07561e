import { attachments } from "./attachments.ts";
import { bounce } from "./bounce.ts";
import type { Sample } from "./build.ts";
import { dots } from "./dots.ts";
import { internationalized, iso2022JpHeader, utf8Header } from "./encoded_headers.ts";
import { inlinePictures } from "./inline_pictures.ts";
import { largeMail } from "./large.ts";
import { mailingList } from "./mailing_list.ts";
import { plain } from "./plain.ts";
import { signed } from "./signed.ts";

export type { Sample };

/**
 * The sample mails of the demo, real in kind and the same in every run. People and companies live in the example domains
 * of RFC 2606; anna, ben and claire at company.example are the ones whose mail is archived.
 */
export function sampleMails(): readonly Sample[] {
  return [
    plain,
    inlinePictures,
    attachments,
    utf8Header,
    iso2022JpHeader,
    internationalized,
    signed,
    bounce,
    mailingList,
    dots,
    largeMail(10_000_000),
  ];
}
