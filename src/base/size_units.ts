/** Bytes of each unit of size that people write, in lower case and without the "b": powers of 1000, and of 1024 with "i". */
export const SIZE_UNITS: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
};
