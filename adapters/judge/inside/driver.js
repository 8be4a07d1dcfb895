// Runs beside the student's code: decodes the inputs, calls it once, gives the result as tagged JSON.
// Knows inputs only. All of it can be rewritten by the code it runs; that harms nobody but its own answer.
(function (world) {
  "use strict";
  const PRINTED = 1000, FLOOD = 250000, DEPTH = 100; // characters kept, characters that end a run, nested lists
  const ENDLESS = 1000000; // nodes of a list or tree that has a circle in it
  const parse = JSON.parse, stringify = JSON.stringify, isArray = Array.isArray, text = String;
  const lookup = (0, world.eval);
  const ours = new WeakSet(); // errors without a line in the student's code
  let kept = "", count = 0, flooded = false, pending;

  class ListNode { constructor(val = 0, next = null) { this.val = val; this.next = next; } }
  class TreeNode {
    constructor(val = 0, left = null, right = null) { this.val = val; this.left = left; this.right = right; }
  }
  world.ListNode = ListNode;
  world.TreeNode = TreeNode;

  function print(...items) {
    const line = items.map((each) => {
      if (typeof each === "string") return each;
      try { return stringify(each) ?? text(each); } catch { return text(each); }
    }).join(" ") + "\n";
    count += line.length;
    if (kept.length < PRINTED) kept += line.slice(0, PRINTED - kept.length);
    if (count > FLOOD) { flooded = true; throw new RangeError("printed too much"); }
  }
  const console = { log: print, info: print, debug: print, warn: print, error: print };
  Object.defineProperty(world, "console", { value: console, writable: true, configurable: true });
  world.module = { exports: {} };
  world.exports = world.module.exports;

  const snake = (name) => name.replace(/([a-z0-9])([A-Z])/g, (_, a, b) => a + "_" + b.toLowerCase());
  const camel = (name) => name.replace(/([A-Za-z0-9])_+([a-z0-9])/g, (_, a, b) => a + b.toUpperCase());
  const spelled = (name) => [name, camel(name), snake(name)];

  function named(name) {
    const found = lookup("typeof " + name + " === 'undefined' ? undefined : " + name);
    if (found !== undefined) return found;
    const exported = world.module && world.module.exports;
    if (typeof exported === "function" && (exported.name === name || !exported.name)) return exported;
    return exported ? exported[name] : undefined;
  }

  function missing(message) {
    const error = new ReferenceError(message);
    ours.add(error);
    return error;
  }

  function call(spec, given) {
    if (spec.class && !spec.method) return designed(spec, named(spec.class), ...given);
    const method = spec.method || spec.entry;
    const owner = named(spec.class || "Solution");
    for (const name of spelled(method)) {
      if (typeof owner === "function" && owner.prototype && typeof owner.prototype[name] === "function") {
        return new owner()[name](...given);
      }
      const found = named(name);
      if (typeof found === "function") return found(...given);
    }
    throw missing("there is no function named " + method);
  }

  function designed(spec, Made, calls, args) {
    if (typeof Made !== "function") throw missing("there is no class named " + spec.class);
    const thing = new Made(...args[0]);
    const results = [null];
    for (let i = 1; i < calls.length; i++) {
      const name = spelled(calls[i]).find((each) => typeof thing[each] === "function");
      if (!name) throw missing("there is no method named " + calls[i]);
      results.push(thing[name](...args[i]));
    }
    return results;
  }

  function build(value, kind) {
    if (kind === "linked_list") return value.reduceRight((next, each) => new ListNode(each, next), null);
    if (kind !== "tree") return value;
    if (!value.length || value[0] === null) return null;
    const nodes = [new TreeNode(value[0])];
    for (let at = 1, i = 0; at < value.length; i++) {
      for (const side of ["left", "right"]) {
        const each = at < value.length ? value[at++] : null;
        if (each !== null) nodes.push((nodes[i][side] = new TreeNode(each)));
      }
    }
    return nodes[0];
  }

  function encode(value, kind) {
    const node = value !== null && typeof value === "object" && "val" in value;
    if (kind === "linked_list" || (!kind && node && "next" in value)) {
      const items = [];
      for (let each = value; each !== null && each !== undefined; each = each.next) {
        items.push(plain(each.val, DEPTH));
        if (items.length > ENDLESS) return { type: "a list without an end" };
      }
      return items;
    }
    if (kind === "tree" || (!kind && node && "left" in value)) return levels(value);
    return plain(value, DEPTH);
  }

  function levels(root) {
    const values = [], row = [root];
    for (let i = 0; i < row.length; i++) {
      const each = row[i];
      values.push(each ? plain(each.val, DEPTH) : null);
      if (each) row.push(each.left, each.right);
      if (row.length > ENDLESS) return { type: "a tree without an end" };
    }
    while (values.length && values[values.length - 1] === null) values.pop();
    return values;
  }

  function plain(value, depth) {
    if (value === null || value === undefined) return null;
    switch (typeof value) {
      case "boolean": case "string": return value;
      case "number":
        if (value !== value) return { float: "nan" };
        if (value === Infinity || value === -Infinity) return { float: value > 0 ? "inf" : "-inf" };
        if (value % 1 === 0 && Math.abs(value) > 2 ** 53) return plain(BigInt(value), depth);
        return value;
      case "bigint": {
        if (value >= -(2n ** 53n) && value <= 2n ** 53n) return Number(value);
        return { int: (value < 0n ? "-0x" + (-value).toString(16) : "0x" + value.toString(16)) };
      }
      case "object": break;
      default: return { type: typeof value };
    }
    if (depth === 0) return { type: "nested too deep" };
    if (isArray(value) || ArrayBuffer.isView(value)) return Array.from(value, (each) => plain(each, depth - 1));
    if (value instanceof Set) return { set: [...value].map((each) => plain(each, depth - 1)) };
    if (value instanceof Map) return pairs([...value], depth);
    const proto = Object.getPrototypeOf(value);
    if (proto === null || proto === Object.prototype) return pairs(Object.entries(value), depth);
    return { type: value.constructor ? text(value.constructor.name) : "object" };
  }

  function pairs(entries, depth) {
    return { dict: entries.map(([key, each]) => [plain(key, depth - 1), plain(each, depth - 1)]) };
  }

  function told(error) {
    if (flooded) return { stop: "output" };
    const name = error && error.name ? text(error.name) : "Error";
    const message = error && error.message !== undefined ? text(error.message) : text(error);
    if (/out of memory/i.test(message) && name === "InternalError") return { stop: "memory" };
    const at = error !== null && typeof error === "object" && ours.has(error) ? null : /<(?:solution|input)>:(\d+)/.exec((error && error.stack) || "");
    return { error: [name, message.slice(0, 300), at ? Number(at[1]) : null] };
  }

  const framed = (frame) => stringify({ ...frame, out: kept });
  const done = (value, spec) => framed(flooded ? { stop: "output" } : { ok: encode(value, spec.returns) });

  let spec, given;
  world.__given = function (specJson, argsJson) {
    spec = parse(specJson);
    const kinds = spec.kinds || [];
    given = parse(argsJson).map((each, i) => build(each, kinds[i] || ""));
  };
  // The frame of one case; null while a promise is pending: settle the jobs, then ask `settled`.
  world.__case = function () {
    try {
      const result = call(spec, given);
      if (result === null || typeof result !== "object" || typeof result.then !== "function") return done(result, spec);
      result.then(
        (value) => { try { pending = done(value, spec); } catch (error) { pending = framed(told(error)); } },
        (error) => { pending = framed(told(error)); },
      );
      return null;
    } catch (error) {
      return framed(told(error));
    }
  };
  world.__settled = () => pending ?? framed({ error: ["Error", "the promise was never settled", null] });
  world.__told = (error) => framed(told(error));
})(globalThis);
