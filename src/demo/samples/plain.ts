import { mailOf, type Sample } from "./build.ts";

/** A plain text mail, to an address that the demo's archive doesn't know at first. */
export const plain: Sample = {
  name: "a plain text mail",
  mailFrom: "sales@supplier.example",
  params: [],
  recipients: ["claire@company.example"],
  content: mailOf(
    "From: Sales <sales@supplier.example>",
    "To: Claire Example <claire@company.example>",
    "Date: Mon, 02 Nov 2026 09:30:11 +0100",
    "Message-ID: <a8f1c2@supplier.example>",
    "Subject: Delivery on Thursday",
    "MIME-Version: 1.0",
    "Content-Type: text/plain; charset=us-ascii",
    "",
    "Hello Claire,",
    "",
    "your twelve blue folders leave our store today and reach you on Thursday.",
    "",
    "-- ",
    "Sales, supplier.example",
  ),
};
