/** `@std/assert`, by way of npm `deno-std` until the original registry is used. */
// @ts-types="./assert.d.ts"
export * from "deno-std/assert/mod.js";
