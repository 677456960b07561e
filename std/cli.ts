/** `@std/cli`, by way of npm `deno-std` until the original registry is used. */
// @ts-types="./cli.d.ts"
export * from "./cli.js";
