// The AWS SDK for JavaScript, which Lambda has and this machine lacks: botocore makes each call. Node.js preloads it.
const { execFile, execFileSync } = require("child_process");
const Module = require("module");
const path = require("path");
const [python, program] = [path.join(__dirname, "bin", "python"), path.join(__dirname, "javascript_sdk.py")];

// A function, and not an arrow: `this` has the value from before a Buffer's own toJSON.
function encode(name, value) {
  return this[name] instanceof Uint8Array ? { $bytes: Buffer.from(this[name]).toString("base64") } : value;
}

function decode(name, value) {
  if (value?.$date) return new Date(value.$date);
  if (value?.$bytes === undefined) return value;
  const bytes = Buffer.from(value.$bytes, "base64");
  bytes.transformToString = async (encoding) => bytes.toString(encoding);
  bytes.transformToByteArray = async () => new Uint8Array(bytes);
  return bytes;
}

async function call(service, operation, input, { region, credentials }, waiter = false) {
  const request = { service, operation, input: input ?? {}, waiter };
  Object.assign(request, { region: await region(), credentials: await credentials() });
  const output = await new Promise((resolve, reject) => {
    const done = (error, stdout) => (error ? reject(error) : resolve(stdout));
    execFile(python, [program], { maxBuffer: 2 ** 28 }, done).stdin.end(JSON.stringify(request, encode));
  });
  const { error, ...answer } = JSON.parse(output, decode);
  if (error) throw Object.assign(new Error(error.message), { $metadata: {}, ...error });
  return { $metadata: {}, ...answer };
}

class Client {
  constructor({ region, credentials } = {}) {
    // The SDK keeps them as functions, whatever was given.
    const provider = (one) => (typeof one === "function" ? one : async () => one);
    this.config = { region: provider(region ?? process.env.AWS_REGION), credentials: provider(credentials) };
  }
  send(command) {
    return call(command.service, command.operation, command.input, this.config);
  }
  destroy() {}
}

function clientPackage(id) {
  const { service, title, operations, errors, waiters } = JSON.parse(execFileSync(python, [program, id]));
  class Service extends Client {}
  const made = { [title]: Service, [`${title}Client`]: class extends Client {} };
  for (const operation of operations) {
    made[`${operation}Command`] = class {
      constructor(input) { Object.assign(this, { service, operation, input }); }
    };
    made[`paginate${operation}`] = async function* ({ client }, input) {
      yield call(service, operation, input, client.config);
    };
    Service.prototype[operation[0].toLowerCase() + operation.slice(1)] = function (input) {
      return call(service, operation, input, this.config);
    };
  }
  for (const waiter of waiters) {
    made[`waitUntil${waiter}`] = ({ client }, input) => call(service, waiter, input, client.config, true);
  }
  for (const error of errors) {
    made[error] = class extends Error {
      static [Symbol.hasInstance](one) { return one?.name === error; }
    };
  }
  return made;
}

const packages = {
  "@aws-sdk/credential-providers": {
    fromTemporaryCredentials: ({ params, clientConfig }) => async () => {
      const { Credentials: one } = await call("sts", "AssumeRole", params, new Client(clientConfig).config);
      return { accessKeyId: one.AccessKeyId, secretAccessKey: one.SecretAccessKey, sessionToken: one.SessionToken };
    },
  },
};
const load = Module._load;
Module._load = function (id, ...more) {
  try {
    return load.call(this, id, ...more);
  } catch (error) {
    if (error.code !== "MODULE_NOT_FOUND" || !(packages[id] || id.startsWith("@aws-sdk/client-"))) throw error;
    return (packages[id] ??= clientPackage(id));
  }
};
