// Writes an OpenAPI v3 document as the protobuf message `openapi.v3.Document`. Only what our documents use is covered.
// The writer goes backwards (proto-writer.ts), so each function writes its highest field first.
import { GnosticWriter } from './openapi-gnostic-writer.ts';
import type { OpenApiSchema } from './openapi-schemas.ts';

export const openApiV3ProtobufType = 'application/com.github.proto-openapi.spec.v3.v1.0+protobuf';

/** Field numbers of `openapi.v3.Schema`. */
const counts: readonly [number, string][] = [
  [22, 'minProperties'],
  [21, 'maxProperties'],
  [19, 'minItems'],
  [18, 'maxItems'],
  [16, 'minLength'],
  [15, 'maxLength'],
];
const methods: readonly [number, string][] = [
  [10, 'patch'],
  [9, 'head'],
  [8, 'options'],
  [7, 'delete'],
  [6, 'post'],
  [5, 'put'],
  [4, 'get'],
];

class WriterV3 extends GnosticWriter {
  number(number: number, value: unknown): void {
    if (typeof value !== 'number') return;
    this.writer.double(value);
    this.writer.small(number * 8 + 1);
  }

  count(number: number, value: unknown): void {
    if (typeof value !== 'number') return;
    this.writer.integer(value);
    this.writer.small(number * 8);
  }

  /** A schema, or a reference to one. */
  schemaOrReference(schema: OpenApiSchema): void {
    if (schema['$ref']) this.message(2, () => this.text(1, schema['$ref']));
    else this.message(1, () => this.schema(schema));
  }

  /** Lists and objects, which a `DefaultType` cannot hold, are there and empty. */
  default(value: unknown): void {
    if (typeof value === 'string') {
      this.message(33, () => {
        // An empty text is one all the same.
        this.writer.string(value);
        this.writer.small(3 * 8 + 2);
      });
    } else if (typeof value === 'boolean') {
      this.message(33, () => {
        this.writer.bool(value);
        this.writer.small(2 * 8);
      });
    } else if (value !== undefined) this.message(33, () => this.number(1, value));
  }

  schema(schema: OpenApiSchema): void {
    const { items, properties, additionalProperties, not } = schema;
    const one = (value: OpenApiSchema): void => this.schemaOrReference(value);
    this.extensions(36, schema);
    this.text(35, schema['format']);
    this.text(34, schema['description']);
    this.default(schema['default']);
    if (additionalProperties !== undefined) {
      this.message(32, () => {
        if (typeof additionalProperties === 'boolean') {
          this.writer.bool(additionalProperties);
          this.writer.small(2 * 8);
        } else this.message(1, () => one(additionalProperties as OpenApiSchema));
      });
    }
    if (properties) this.message(31, () => this.named(1, properties, one));
    if (items) this.message(30, () => this.message(1, () => one(items as OpenApiSchema)));
    if (not) this.message(29, () => this.schema(not as OpenApiSchema));
    this.list(28, schema['anyOf'], one);
    this.list(27, schema['oneOf'], one);
    this.list(26, schema['allOf'], one);
    this.text(25, schema['type']);
    for (const value of [...((schema['enum'] as unknown[] | undefined) ?? [])].reverse()) this.any(24, value);
    this.texts(23, schema['required']);
    for (const [number, name] of counts.slice(0, 2)) this.count(number, schema[name]);
    this.flag(20, schema['uniqueItems']);
    for (const [number, name] of counts.slice(2, 4)) this.count(number, schema[name]);
    this.text(17, schema['pattern']);
    for (const [number, name] of counts.slice(4)) this.count(number, schema[name]);
    this.flag(14, schema['exclusiveMinimum']);
    this.number(13, schema['minimum']);
    this.flag(12, schema['exclusiveMaximum']);
    this.number(11, schema['maximum']);
    this.number(10, schema['multipleOf']);
    this.text(9, schema['title']);
    this.flag(1, schema['nullable']);
  }

  content(number: number, content: unknown): void {
    if (!content) return;
    this.message(number, () =>
      this.named(1, content, ({ schema }) => {
        if (schema) this.message(1, () => this.schemaOrReference(schema));
      }),
    );
  }

  parameters(number: number, list: unknown): void {
    this.list(number, list, (parameter: OpenApiSchema) =>
      this.message(1, () => {
        this.message(10, () => this.schemaOrReference(parameter['schema'] as OpenApiSchema));
        this.flag(4, parameter['required']);
        this.text(3, parameter['description']);
        this.text(2, parameter['in']);
        this.text(1, parameter['name']);
      }),
    );
  }

  operation(operation: OpenApiSchema): void {
    const body = operation['requestBody'] as OpenApiSchema | undefined;
    this.extensions(13, operation);
    this.message(8, () =>
      this.named(2, operation['responses'], (response: OpenApiSchema) =>
        this.message(1, () => {
          this.content(3, response['content']);
          this.text(1, response['description']);
        }),
      ),
    );
    if (body) {
      this.message(7, () =>
        this.message(1, () => {
          this.flag(3, body['required']);
          this.content(2, body['content']);
        }),
      );
    }
    this.parameters(6, operation['parameters']);
    this.text(5, operation['operationId']);
    this.text(3, operation['description']);
    this.texts(1, operation['tags']);
  }

  pathItem(item: OpenApiSchema): void {
    this.parameters(13, item['parameters']);
    for (const [number, method] of methods) {
      const operation = item[method];
      if (operation) this.message(number, () => this.operation(operation as OpenApiSchema));
    }
  }

  securityScheme(scheme: OpenApiSchema): void {
    this.message(1, () => {
      this.text(4, scheme['in']);
      this.text(3, scheme['name']);
      this.text(2, scheme['description']);
      this.text(1, scheme['type']);
    });
  }

  document(document: OpenApiSchema): void {
    const info = document['info'] as OpenApiSchema;
    const { schemas, securitySchemes } = document['components'] as OpenApiSchema;
    this.message(5, () => {
      this.message(7, () => this.named(1, securitySchemes, (scheme) => this.securityScheme(scheme)));
      if (schemas) this.message(1, () => this.named(1, schemas, (schema) => this.schemaOrReference(schema)));
    });
    this.message(4, () => this.named(1, document['paths'], (item) => this.pathItem(item)));
    this.message(2, () => {
      this.text(6, info['version']);
      this.text(1, info['title']);
    });
    this.text(1, document['openapi']);
  }
}

export function encodeGnosticV3(document: OpenApiSchema): Uint8Array {
  const gnostic = new WriterV3();
  gnostic.document(document);
  return gnostic.writer.finish();
}
