/** What Redis answers, as far as the suite asks for it. */
export type RespValue = string | number | null | Error | readonly RespValue[];

interface Read {
  readonly value: RespValue;
  /** Where what follows begins. */
  readonly end: number;
}

const CRLF = 2;

/** The value that begins at a place; undefined while it is not all there. */
export function readResp(text: string, at = 0): Read | undefined {
  const lineEnd = text.indexOf("\r\n", at);
  if (lineEnd < 0) return undefined;
  const line = text.slice(at + 1, lineEnd);
  const start = lineEnd + CRLF;
  switch (text[at]) {
    case "+":
      return { value: line, end: start };
    case "-":
      return { value: new Error(line), end: start };
    case ":":
      return { value: Number(line), end: start };
    case "$":
      return readBulk(text, start, Number(line));
    case "*":
      return readArray(text, start, Number(line));
    default:
      throw new Error(`this is no reply of Redis: ${text.slice(at, at + 40)}`);
  }
}

function readBulk(text: string, start: number, length: number): Read | undefined {
  if (length < 0) return { value: null, end: start };
  const end = start + length + CRLF;
  return text.length < end ? undefined : { value: text.slice(start, start + length), end };
}

function readArray(text: string, start: number, length: number): Read | undefined {
  if (length < 0) return { value: null, end: start };
  const values: RespValue[] = [];
  let end = start;
  for (let index = 0; index < length; index++) {
    const read = readResp(text, end);
    if (read === undefined) return undefined;
    values.push(read.value);
    end = read.end;
  }
  return { value: values, end };
}
