/** Crockford's base 32, the alphabet of ULIDs. */
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const RANDOM_CHARACTERS = 16;

/**
 * Makes ULIDs (48 bits of time in milliseconds, 80 random bits; 26 characters) that are unique and, within this
 * maker, strictly ascending: also within one millisecond and when the clock jumps back.
 */
export function createUlidMaker(
  now: () => number,
  random: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer> = (
    bytes,
  ) => crypto.getRandomValues(bytes),
): () => string {
  let lastTime = -1;
  let tail: number[] = [];
  return () => {
    const time = Math.floor(now());
    if (time > lastTime) {
      lastTime = time;
      tail = Array.from(
        random(new Uint8Array(RANDOM_CHARACTERS)),
        (byte) => byte & 31,
      );
    } else if (!increment(tail)) {
      lastTime += 1;
      tail = Array.from(
        random(new Uint8Array(RANDOM_CHARACTERS)),
        (byte) => byte & 31,
      );
    }
    return encodeTime(lastTime) + tail.map((value) => ALPHABET[value]).join("");
  };
}

/** The time of a ULID in milliseconds since the epoch; NaN where it isn't one. */
export function ulidTime(ulid: string): number {
  if (!/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(ulid)) return NaN;
  let time = 0;
  for (const character of ulid.slice(0, 10)) {
    time = time * 32 + ALPHABET.indexOf(character);
  }
  return time;
}

function encodeTime(time: number): string {
  let text = "";
  for (let rest = time, place = 0; place < 10; place++) {
    text = ALPHABET[rest % 32] + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

/** Adds one to a number in base 32; false on overflow. */
function increment(digits: number[]): boolean {
  for (let place = digits.length - 1; place >= 0; place--) {
    const value = digits[place] ?? 0;
    if (value < 31) {
      digits[place] = value + 1;
      return true;
    }
    digits[place] = 0;
  }
  return false;
}
