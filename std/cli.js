// Not cli/mod.js: its unicode_width.js needs a data file that the npm package leaves out.
export * from "deno-std/cli/parse_args.js";
export * from "deno-std/cli/prompt_secret.js";
