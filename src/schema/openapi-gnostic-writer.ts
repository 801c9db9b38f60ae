// What the protobuf forms of OpenAPI v2 and v3 documents share: texts, flags, maps, extensions.
// The writer goes backwards (proto-writer.ts), so each function writes its highest field first.
import type { OpenApiSchema } from './openapi-schemas.ts';
import { ProtoWriter } from './proto-writer.ts';

const bytesTag = (number: number): number => number * 8 + 2;

export class GnosticWriter {
  readonly writer = new ProtoWriter(1 << 20);

  message(number: number, write: () => void): void {
    const start = this.writer.length;
    write();
    this.writer.small(this.writer.length - start);
    this.writer.small(bytesTag(number));
  }

  text(number: number, value: unknown): void {
    if (typeof value !== 'string' || value === '') return;
    this.writer.string(value);
    this.writer.small(bytesTag(number));
  }

  texts(number: number, values: unknown): void {
    for (const value of [...((values as string[] | undefined) ?? [])].reverse()) {
      this.writer.string(value);
      this.writer.small(bytesTag(number));
    }
  }

  flag(number: number, value: unknown): void {
    if (value !== true) return;
    this.writer.bool(true);
    this.writer.small(number * 8);
  }

  /** An `Any`: YAML text, and JSON is YAML. */
  any(number: number, value: unknown): void {
    this.message(number, () => this.text(2, JSON.stringify(value)));
  }

  /** A map: repeated pairs of name = 1 and value = 2. */
  named(number: number, map: unknown, write: (value: any) => void): void {
    const entries = Object.entries((map as Record<string, unknown> | undefined) ?? {});
    for (const [name, value] of entries.reverse()) {
      this.message(number, () => {
        this.message(2, () => write(value));
        this.text(1, name);
      });
    }
  }

  /** Fields whose names begin with x-. */
  extensions(number: number, from: OpenApiSchema): void {
    for (const name of Object.keys(from)
      .filter((key) => key.startsWith('x-'))
      .reverse()) {
      this.message(number, () => {
        this.any(2, from[name]);
        this.text(1, name);
      });
    }
  }

  list(number: number, values: unknown, write: (value: any) => void): void {
    for (const value of [...((values as unknown[] | undefined) ?? [])].reverse())
      this.message(number, () => write(value));
  }
}
