// Writes an OpenAPI v2 document as the protobuf message `openapi.v2.Document`. Only what our documents use is covered.
// The writer goes backwards (proto-writer.ts), so each function writes its highest field first.
import { GnosticWriter } from './openapi-gnostic-writer.ts';
import type { OpenApiSchema } from './openapi-schemas.ts';

class WriterV2 extends GnosticWriter {
  schema(schema: OpenApiSchema): void {
    this.extensions(31, schema);
    const { properties, items, type, additionalProperties } = schema;
    if (properties) this.message(25, () => this.named(1, properties, (value) => this.schema(value)));
    for (const item of [...((schema['allOf'] as OpenApiSchema[] | undefined) ?? [])].reverse())
      this.message(24, () => this.schema(item));
    if (items) this.message(23, () => this.message(1, () => this.schema(items as OpenApiSchema)));
    if (type) this.message(22, () => this.text(1, type));
    if (additionalProperties)
      this.message(21, () => this.message(1, () => this.schema(additionalProperties as OpenApiSchema)));
    for (const value of [...((schema['enum'] as unknown[] | undefined) ?? [])].reverse()) this.any(20, value);
    this.texts(19, schema['required']);
    if (schema['default'] !== undefined) this.any(5, schema['default']);
    this.text(4, schema['description']);
    this.text(2, schema['format']);
    this.text(1, schema['$ref']);
  }

  parameter(parameter: OpenApiSchema): void {
    this.message(1, () => {
      if (parameter['in'] === 'body') this.message(1, () => this.bodyParameter(parameter));
      else
        this.message(2, () => this.message(parameter['in'] === 'path' ? 4 : 3, () => this.otherParameter(parameter)));
    });
  }

  bodyParameter(parameter: OpenApiSchema): void {
    this.message(5, () => this.schema(parameter['schema'] as OpenApiSchema));
    this.flag(4, parameter['required']);
    this.text(3, 'body');
    this.text(2, parameter['name']);
  }

  otherParameter(parameter: OpenApiSchema): void {
    const isPath = parameter['in'] === 'path';
    this.flag(isPath ? 19 : 20, parameter['uniqueItems']);
    this.text(isPath ? 5 : 6, parameter['type']);
    this.text(4, parameter['name']);
    this.text(2, parameter['in']);
    this.flag(1, parameter['required']);
  }

  parameters(number: number, list: unknown): void {
    for (const item of [...((list as OpenApiSchema[] | undefined) ?? [])].reverse())
      this.message(number, () => this.parameter(item));
  }

  operation(operation: OpenApiSchema): void {
    this.extensions(13, operation);
    this.texts(10, operation['schemes']);
    this.message(9, () =>
      this.named(1, operation['responses'], (answer) => this.message(1, () => this.response(answer))),
    );
    this.parameters(8, operation['parameters']);
    this.texts(7, operation['consumes']);
    this.texts(6, operation['produces']);
    this.text(5, operation['operationId']);
    this.texts(1, operation['tags']);
  }

  response(response: OpenApiSchema): void {
    const { schema } = response;
    if (schema) this.message(2, () => this.message(1, () => this.schema(schema as OpenApiSchema)));
    this.text(1, response['description']);
  }

  pathItem(item: OpenApiSchema): void {
    this.parameters(9, item['parameters']);
    const methods: [number, string][] = [
      [8, 'patch'],
      [7, 'head'],
      [6, 'options'],
      [5, 'delete'],
      [4, 'post'],
      [3, 'put'],
      [2, 'get'],
    ];
    for (const [number, method] of methods) {
      const operation = item[method];
      if (operation) this.message(number, () => this.operation(operation as OpenApiSchema));
    }
  }

  apiKey(scheme: OpenApiSchema): void {
    this.message(2, () => {
      this.text(4, scheme['description']);
      this.text(3, scheme['in']);
      this.text(2, scheme['name']);
      this.text(1, scheme['type']);
    });
  }

  document(document: OpenApiSchema): void {
    const info = document['info'] as OpenApiSchema;
    this.message(13, () => this.named(1, document['securityDefinitions'], (scheme) => this.apiKey(scheme)));
    for (const requirement of [...(document['security'] as OpenApiSchema[])].reverse()) {
      this.message(12, () => this.named(1, requirement, (scopes) => this.texts(1, scopes)));
    }
    this.message(9, () => this.named(1, document['definitions'], (schema) => this.schema(schema)));
    this.message(8, () => this.named(2, document['paths'], (item) => this.pathItem(item)));
    this.message(2, () => {
      this.text(2, info['version']);
      this.text(1, info['title']);
    });
    this.text(1, document['swagger']);
  }
}

export function encodeGnostic(document: OpenApiSchema): Uint8Array {
  const gnostic = new WriterV2();
  gnostic.document(document);
  return gnostic.writer.finish();
}
