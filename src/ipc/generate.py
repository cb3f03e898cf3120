#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes C from the .def files of this folder.

  generate.py header EDGE.def OUT.h     structs, enums and the declaration of the table
  generate.py source EDGE.def OUT.c     the table that codec.c encodes, decodes and prints from

The language of a .def file, one item per line, '#' starts a comment:

  edge NAME                     the pair of roles, also the prefix of everything made
  sides A B                     who talks; messages say `from A` or `from B`
  states S0 S1 ...              of the conversation; S0 is the first
  enum NAME value value ...     a closed set; anything else on the wire is malformed
  message NAME from SIDE [in STATE ...] [to STATE] [fds N]
    KIND FIELD [MAX]            u8 u16 u32 u64 i64 bool addr enum:NAME text:MAX bytes:MAX
                                (an integer may have a MAX)

Without `in` a message is allowed in every state; without `to` the state stays.
"""
import re
import sys

INTS = {"u8": ("uint8_t", 1), "u16": ("uint16_t", 2), "u32": ("uint32_t", 4), "u64": ("uint64_t", 8), "i64": ("int64_t", 8)}


class Edge:
    def __init__(self, path):
        self.path, self.name, self.sides, self.states = path, None, [], ["any"]
        self.enums, self.messages = {}, []
        for number, line in enumerate(open(path, encoding="utf-8"), 1):
            words = line.split("#")[0].split()
            if words:
                try:
                    self.take(words, line[0].isspace())
                except (ValueError, IndexError, KeyError) as e:
                    sys.exit(f"{path}:{number}: {e}")
        if not self.name or not self.messages:
            sys.exit(f"{path}:1: an edge needs a name, sides and messages")

    def take(self, words, indented):
        if indented:
            self.messages[-1]["fields"].append(self.field(words))
        elif words[0] == "edge":
            self.name = words[1]
        elif words[0] == "sides":
            self.sides = words[1:3]
        elif words[0] == "states":
            self.states = words[1:]
        elif words[0] == "enum":
            self.enums[words[1]] = words[2:]
        elif words[0] == "message":
            self.messages.append(self.message(words[1:]))
        else:
            raise ValueError(f"unknown item '{words[0]}'")

    def message(self, words):
        m = {"name": words[0], "from": None, "in": [], "to": None, "fds": 0, "fields": []}
        key = None
        for w in words[1:]:
            if w in ("from", "in", "to", "fds"):
                key = w
            elif key == "in":
                m["in"].append(self.states.index(w))
            elif key == "to":
                m["to"] = self.states.index(w)
            elif key == "from":
                m["from"] = self.sides.index(w)
            elif key == "fds":
                m["fds"] = int(w)
            else:
                raise ValueError(f"unexpected '{w}'")
        if m["name"] in self.enums or m["name"] in [x["name"] for x in self.messages]:
            raise ValueError(f"the name '{m['name']}' is taken")
        if m["from"] is None:
            raise ValueError(f"message {m['name']}: from whom?")
        return m

    def field(self, words):
        kind, _, arg = words[0].partition(":")
        f = {"kind": kind, "name": words[1], "max": 0, "enum": None}
        if kind in INTS:
            f["max"] = int(words[2]) if len(words) > 2 else 0
        elif kind in ("text", "bytes"):
            f["max"] = int(arg)
        elif kind == "enum":
            f["enum"], f["max"] = arg, len(self.enums[arg]) - 1
        elif kind not in ("bool", "addr"):
            raise ValueError(f"unknown kind '{kind}'")
        return f

    def size(self, m):
        """The most bytes a message takes on the wire."""
        n = 1
        for f in m["fields"]:
            n += {"bool": 1, "addr": 16, "enum": 1, "text": 4 + f["max"], "bytes": 4 + f["max"]}.get(f["kind"]) or INTS[f["kind"]][1]
        return n


def c_type(edge, f):
    if f["kind"] in INTS:
        return INTS[f["kind"]][0]
    if f["kind"] == "enum":
        return f"enum {edge.name}_{f['enum']}"
    return {"bool": "bool", "addr": "struct addr", "text": "struct text", "bytes": "struct text"}[f["kind"]]


def header(edge):
    up = edge.name.upper()
    out = [f"/* Made from {edge.name}.def by generate.py: change it there. */", f"#ifndef IPC_{up}_H", f"#define IPC_{up}_H", "",
           '#include "base/addr.h"', '#include "ipc/codec.h"', ""]
    out += [f"enum {{ {up}_SIDE_{edge.sides[0].upper()}, {up}_SIDE_{edge.sides[1].upper()} }};", ""]
    out += ["enum {"] + [f"\t{up}_STATE_{s.upper()}," for s in edge.states] + ["};", ""]
    for name, values in edge.enums.items():
        out += [f"enum {edge.name}_{name} {{"] + [f"\t{up}_{name.upper()}_{v.upper()}," for v in values] + ["};", ""]
    out += ["enum {"] + [f"\t{up}_{m['name'].upper()} = {i}," for i, m in enumerate(edge.messages, 1)] + ["};", ""]
    for m in edge.messages:
        out += [f"/* {edge.sides[m['from']]} -> {edge.sides[1 - m['from']]}" + (f", carries {m['fds']} descriptor(s)" if m["fds"] else "") + " */",
                f"struct {edge.name}_{m['name']} {{"]
        for f in m["fields"]:
            note = f" /* at most {f['max']}" + (" bytes" if f["kind"] in ("text", "bytes") else "") + " */" if f["max"] and f["kind"] != "enum" else ""
            out.append(f"\t{c_type(edge, f)} {f['name']};{note}")
        if not m["fields"]:
            out.append("\tchar nothing;")
        out += ["};", ""]
    out += [f"#define {up}_PACKET_MAX {max(edge.size(m) for m in edge.messages)}", f"extern const struct ipc_edge {edge.name}_edge;", "", "#endif", ""]
    return "\n".join(out)


def source(edge):
    up = edge.name.upper()
    out = [f"/* Made from {edge.name}.def by generate.py: change it there. */", "#include <stddef.h>", f'#include "ipc/{edge.name}.h"', ""]
    out += ["static const char *const states[] = { " + ", ".join(f'"{s}"' for s in edge.states) + " };"]
    for name, values in edge.enums.items():
        out += [f"static const char *const {name}_names[] = {{ " + ", ".join(f'"{v}"' for v in values) + " };"]
    for m in edge.messages:
        if not m["fields"]:
            continue
        out += [f"static const struct ipc_field {m['name']}_fields[] = {{"]
        for f in m["fields"]:
            names = f"{f['enum']}_names" if f["enum"] else "NULL"
            limit = f["max"] if f["kind"] not in INTS else (f["max"] or "UINT64_MAX" if f["kind"] == "i64" else f["max"] or "UINT64_MAX")
            out.append(f"\t{{ \"{f['name']}\", IPC_{f['kind'].upper()}, offsetof(struct {edge.name}_{m['name']}, {f['name']}), {limit}, {names} }},")
        out += ["};"]
    out += ["", "static const struct ipc_message messages[] = {"]
    for m in edge.messages:
        allowed = " | ".join(f"1u << {s}" for s in m["in"]) or "~0u"
        fields = f"{m['name']}_fields, {len(m['fields'])}" if m["fields"] else "NULL, 0"
        out.append(f"\t{{ \"{m['name']}\", {m['from']}, {allowed}, {-1 if m['to'] is None else m['to']}, {m['fds']}, sizeof(struct {edge.name}_{m['name']}), {fields} }},")
    out += ["};", "", f"const struct ipc_edge {edge.name}_edge = {{",
            f"\t\"{edge.name}\", {{ \"{edge.sides[0]}\", \"{edge.sides[1]}\" }}, messages, {len(edge.messages)}, states, {len(edge.states)}, {up}_PACKET_MAX", "};", ""]
    return "\n".join(out)


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in ("header", "source"):
        sys.exit(__doc__)
    edge = Edge(sys.argv[2])
    made = header(edge) if sys.argv[1] == "header" else source(edge)
    with open(sys.argv[3], "w", encoding="utf-8") as out:
        out.write(made)


if __name__ == "__main__":
    main()
