/** `@std/path`, by way of npm `deno-std` until the original registry is used. */
// @ts-types="./path.d.ts"
export * from "deno-std/path/mod.js";
