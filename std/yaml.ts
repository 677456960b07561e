/** `@std/yaml`, by way of npm `deno-std` until the original registry is used. */
// @ts-types="./yaml.d.ts"
export * from "deno-std/yaml/mod.js";
