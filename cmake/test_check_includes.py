#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of check_includes.py, run on small trees with one include that is right or wrong."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parent / "check_includes.py"


class Includes(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.write("codec/batch.c", '#include "cmrp/batch.h"\n')

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def run_script(self, *options):
        return subprocess.run([sys.executable, "-EB", str(SCRIPT), "--root", str(self.root),
                               *options], capture_output=True, text=True, timeout=60, check=False)

    def check(self, name, text, line=None, rule=""):
        """One more file: fine, or one problem on a line of it, whose text has the rule."""
        self.write(name, text)
        done = self.run_script()
        with self.subTest(name=name, text=text):
            self.assertEqual((done.returncode, done.stderr), (1 if line else 0, ""), done.stdout)
            self.assertEqual(done.stdout.count("\n"), 1 if line else 0, done.stdout)
            if line:
                self.assertTrue(done.stdout.startswith(f"{name}:{line}: "), done.stdout)
                self.assertIn(rule, done.stdout)
        (self.root / name).unlink()

    def right(self, name, *targets):
        self.check(name, "// text\n\n" + "".join(f"#include {each}\n" for each in targets))

    def wrong(self, name, *targets, rule=""):
        for target in targets:
            self.check(name, f"// text\n\n#include {target}\n", 3, rule)

    def test_codec_system_headers(self):
        self.right("codec/ndr.c", "<stdint.h>", "<stddef.h>", "<stdbool.h>", "<limits.h>",
                   "<stdalign.h>", "<stdnoreturn.h>", "<stdarg.h>", "<string.h>")
        self.wrong("codec/ndr.c", "<stdio.h>", "<stdlib.h>", "<assert.h>", "<sys/types.h>",
                   "<jansson.h>", rule="of system headers only stdint.h")
        self.wrong("codec/include/cmrp/ndr.h", "<stdio.h>", '"stdio.h"', '"string.h"')

    def test_codec_base(self):
        base = ['"cmrp/status.h"', "<cmrp/bytes.h>", '"cmrp/export.h"', '"cmrp/version.h"']
        for module in ("change", "ndr", "pdu", "epm", "batch", "payload", "method", "uuid"):
            self.right(f"codec/{module}.c", f'"cmrp/{module}.h"', f'"{module}_private.h"', *base)
            self.right(f"codec/include/cmrp/{module}.h", f'"cmrp/{module}.def"', *base)
        self.right("codec/bytes.c", '"cmrp/status.h"', '"cmrp/bytes.h"')
        self.wrong("codec/status.c", '"cmrp/bytes.h"', rule="status may include only status")
        self.wrong("codec/include/cmrp/export.h", '"cmrp/status.h"')

    def test_codec_modules(self):
        modules = ("change", "ndr", "pdu", "epm", "batch", "payload", "method")
        allowed = {"epm": {"ndr"}, "payload": {"ndr"}, "method": {"ndr", "change"}}
        for module in modules:
            for other in modules:
                check = (self.right if other == module or other in allowed.get(module, ())
                         else self.wrong)
                check(f"codec/{module}.c", f'"cmrp/{other}.h"')
                check(f"codec/{module}_part.c", f"<cmrp/{other}.h>")
                check(f"codec/include/cmrp/{module}.h", f'"{other}_private.h"')

    def test_codec_methods_table(self):
        self.right("codec/method.c", '"methods.def"')
        self.right("codec/methods.def", '"cmrp/ndr.h"', "<stdint.h>")
        self.wrong("codec/methods.def", '"cmrp/batch.h"', rule="method may include only")
        self.wrong("codec/ndr.c", '"methods.def"')

    def test_codec_umbrella(self):
        self.right("codec/include/cmrp/cmrp.h", *(f'"cmrp/{module}.h"' for module in (
            "status bytes export version change ndr pdu epm batch payload method").split()))
        self.wrong("codec/batch.c", '"cmrp/cmrp.h"', "<cmrp/cmrp.h>")
        self.wrong("codec/include/cmrp/cmrp.h", "<stdio.h>", '"json/json.h"')

    def test_codec_never_looks_up(self):
        self.wrong("codec/ndr.c", '"util/hex.h"', '"../conformance/util/hex.h"', '"fuzz/fuzz.h"',
                   '"test_support.h"', '"cmrp/rpc.h"', '"cmrp/ndr/x.h"', '"ndrx.h"')

    def test_conformance_rows(self):
        allowed = {
            "util": "codec", "json": "codec", "show": "codec json", "assoc": "codec",
            "capture": "assoc status bytes", "rpc": "epm method pdu uuid",
            "suite": "codec json", "ledger": "codec suite rules json", "testee": "codec suite json",
            "voices": "codec testee suite report json", "rules": "codec assoc json",
            "cluster": "change batch", "report": "codec suite judge rules capture show json",
            "traffic": "codec suite json", "wireshark": "codec",
            "service": "rpc cluster method payload", "control": "cluster show json",
            "serve": "control service rpc cluster show", "call": "rpc json show method uuid",
            "watch": "rpc json show batch change method payload",
            "replay": "codec capture assoc show json rules",
            "judge": "codec replay rules suite assoc capture show json"}
        modules = "status bytes export version change ndr pdu epm batch payload method cmrp".split()
        for folder, row in allowed.items():
            name, row = f"conformance/{folder}/file.c", row.split()
            fine = {folder, "util", *row} | set(modules if "codec" in row else ())
            targets = {f'"cmrp/{module}.h"': module for module in modules}
            targets.update({f'"{other}/{other}.h"': other for other in [*allowed, "cli"]})
            self.right(name, *(target for target, what in targets.items() if what in fine))
            text = [target for target, what in targets.items() if what not in fine]
            self.write(name, "".join(f"#include {target}\n" for target in text))
            done = self.run_script()
            lines = done.stdout.splitlines()
            with self.subTest(folder):
                self.assertEqual([line.split(": ")[:2] for line in lines],
                                 [[f"{name}:{number}", f"#include {target}"]
                                  for number, target in enumerate(text, 1)])
            (self.root / name).unlink()
        self.right("conformance/cli/main.c", '"cli/cli.h"', *targets)

    def test_conformance_names(self):
        self.right("conformance/rules/a.c", "<stdio.h>", "<sys/socket.h>", "<jansson.h>",
                   "<rpc/rpc.h>", '"rules/deep/a.h"', "<cmrp/pdu.h>")
        self.wrong("conformance/rules/a.c", '"a.h"', '"stdio.h"', '"../json/json.h"', '"rules.h"',
                   '"rules"', '"cmrp"', '"codec/pdu.h"', '"conformance/rules/a.h"',
                   '"unknown/a.h"', '"fuzz/a.h"', rule="write FOLDER/FILE")
        self.right("conformance/rules/deep/a.c", '"rules/a.h"', '"json/a.h"')
        self.wrong("conformance/rules/deep/a.c", '"suite/a.h"', rule="rules may include only")

    def test_angle_brackets_hide_no_project_header(self):
        self.write("conformance/rpc/rpc.h", "")
        self.wrong("conformance/rules/a.c", "<rpc/rpc.h>", rule="rules may include only")

    def test_files_without_a_row(self):
        for name in ("codec/extra.c", "codec/include/cmrp/extra.h", "codec/cmrp_extra.c",
                     "conformance/extra/a.c", "conformance/a.c"):
            self.check(name, "", 1, "no row in check_includes.py")

    def test_tests_benches_and_fuzz_are_free(self):
        for name in ("codec/test/test_ndr.c", "codec/bench/bench.c", "conformance/test/a.c",
                     "conformance/assoc/test/deep/a.c", "fuzz/fuzz_ndr.c"):
            self.right(name, "<cmocka.h>", '"local.h"', '"cmrp/cmrp.h"', '"cli/cli.h"', "MACRO")

    def test_ways_to_write_it(self):
        for text, line in (("  #  include\t<stdio.h>\n", 1), ("#include<stdio.h>\n", 1),
                           ("/* one\n * two */ #include <stdio.h>\n", 2),
                           ('char *s = "/*";\n#include <stdio.h>\nchar *t = "*/";\n', 2),
                           ("// /*\n#include <stdio.h>\n/* */\n", 2),
                           ("char c = '\"'; // it's\n#include <stdio.h>\n", 2),
                           ("#include <stdio.h> // why\n", 1), ("#include STDIO\n", 1),
                           ("#include <stdio.h>\r\n", 1),
                           ("#if 0\n#include <stdio.h>\n#endif\n", 2)):
            self.check("codec/ndr.c", text, line)
        for text in ("// #include <stdio.h>\n", "/*\n#include <stdio.h>\n*/\n", "#included <a.h>\n",
                     '#define A "#include <stdio.h>"\n', "#include <stdint.h> /* <stdio.h> */\n"):
            self.check("codec/ndr.c", text)
        self.check("conformance/rpc/a.c", "#include MACRO\n", 1, "write FOLDER/FILE")

    def test_every_kind_of_file_is_read(self):
        self.wrong("codec/ndr.h", "<stdio.h>")
        self.wrong("codec/include/cmrp/change.def", "<stdio.h>")
        self.wrong("codec/ndr_table.inc", "<stdio.h>")

    def test_command(self):
        done = self.run_script("--help")
        self.assertEqual(done.returncode, 0)
        self.assertIn("Exit status", done.stdout)
        self.assertEqual(self.run_script("--no-such-option").returncode, 2)
        (self.root / "codec/batch.c").unlink()
        done = self.run_script()
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("no C file", done.stderr)
        (self.root / "codec/batch.c").symlink_to("nowhere")
        done = self.run_script()
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("batch.c", done.stderr)


if __name__ == "__main__":
    unittest.main()
