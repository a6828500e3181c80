"""Proves that check_includes.py finds each kind of breach, by planting them in a tree of its own."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import check_includes  # noqa: E402


class DependencyRule(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name)
        self.plant("core/model/event.hpp", "#include <string>\n")
        self.plant("core/store/store.cpp", '#include "core/model/event.hpp"\n#include <tocsin/abi/event.h>\n')
        self.plant("plugins/channels/smtp/session.hpp", "#include <tocsin/sdk/channel.hpp>\n")
        self.plant("plugins/channels/smtp/plugin.cpp", '#include "plugins/channels/smtp/session.hpp"\n')
        self.plant("sdk/include/tocsin/abi/event.h", "#include <tocsin/abi/types.h>\n#include <stdint.h>\n")
        self.plant("sdk/include/tocsin/c/plugin.h", "#include <tocsin/abi/event.h>\n#include <stdlib.h>\n")
        self.plant("sdk/include/tocsin/sdk/plugin.hpp", "#include <tocsin/abi/event.h>\n#include <string>\n")

    def tearDown(self):
        self.folder.cleanup()

    def plant(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def breaches(self):
        return check_includes.check(self.root)[1]

    def assert_breach(self, path, text, words, line=1):
        self.plant(path, text)
        found = self.breaches()
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith(f"{path}:{line}:" if line else f"{path}: "), found[0])
        self.assertIn(words, found[0])

    def test_a_lawful_tree_passes(self):
        self.assertEqual(self.breaches(), [])

    def test_an_empty_tree_is_no_success(self):
        with tempfile.TemporaryDirectory() as empty:
            sys.argv = ["check_includes.py", empty]
            self.assertEqual(check_includes.main(), 1)

    def test_core_includes_a_plugin(self):
        self.assert_breach("core/app/main.cpp", '\n#include "plugins/channels/smtp/session.hpp"\n',
                           "the core includes no plugin", line=2)

    def test_core_includes_to_the_right(self):
        self.assert_breach("core/model/bad.hpp", '#  include "core/bus/bus.hpp"\n', "bus is right of model")

    def test_core_includes_a_part_that_nobody_knows(self):
        self.assert_breach("core/app/bad.cpp", '#include "core/misc/bad.hpp"\n', "no part of the core")

    def test_core_uses_the_inbox_outside_of_app(self):
        self.assert_breach("core/bus/bad.cpp", "#include <tocsin/inbox/inbox.hpp>\n", "only core/app")

    def test_plugin_includes_the_core(self):
        self.assert_breach("plugins/channels/smtp/bad.cpp", '#include "core/model/event.hpp"\n', "includes the core")

    def test_plugin_includes_the_embedded_host(self):
        self.assert_breach("plugins/channels/smtp/bad.cpp", "#include <tocsin/host.hpp>\n", "includes the core")

    def test_plugin_includes_another(self):
        self.assert_breach("plugins/presets/gmail/bad.cpp", '#include "plugins/channels/smtp/session.hpp"\n',
                           "no plugin includes another")

    def test_plugin_whose_name_begins_like_anothers(self):
        self.assert_breach("plugins/channels/smtp_extra/bad.cpp", '#include "plugins/channels/smtp/session.hpp"\n',
                           "no plugin includes another")

    def test_sdk_includes_the_core(self):
        self.assert_breach("sdk/inbox/src/bad.cpp", '#include "core/model/event.hpp"\n', "neither core nor plugins")

    def test_sdk_header_needs_boost(self):
        self.assert_breach("sdk/include/tocsin/sdk/bad.hpp", "#include <boost/json.hpp>\n", "standard library alone")

    def test_abi_header_needs_the_wrapper(self):
        self.assert_breach("sdk/include/tocsin/abi/bad.h", "#include <tocsin/sdk/plugin.hpp>\n",
                           "standard library alone")

    def test_fsm_includes_asio(self):
        self.assert_breach("plugins/channels/smtp/session_fsm.cpp", "#include <boost/asio/steady_timer.hpp>\n",
                           "no Asio")

    def test_policy_includes_the_clock(self):
        self.assert_breach("core/delivery/retry_policy.hpp", '#include "core/runtime/clock.hpp"\n', "no clock")

    def test_protocol_includes_sockets(self):
        self.assert_breach("plugins/channels/smtp/protocol/parser.cpp", "#include <sys/socket.h>\n", "no I/O")

    def test_policy_reaches_asio_by_a_detour(self):
        self.plant("core/delivery/wire.hpp", "#include <boost/asio.hpp>\n")
        self.plant("core/delivery/middle.hpp", '#include "core/delivery/wire.hpp"\n')
        self.assert_breach("core/delivery/quota_policy.hpp", '#include "core/delivery/middle.hpp"\n',
                           "by way of core/delivery/middle.hpp, core/delivery/wire.hpp", line=None)

    def test_policy_asks_a_clock_by_name(self):
        self.assert_breach("core/delivery/quota_policy.cpp", "auto t =\n  std::chrono::steady_clock::now();\n",
                           "the time as a value", line=2)

    def test_relative_include(self):
        self.assert_breach("core/store/bad.cpp", '#include "store.cpp"\n', "from the project's root")

    def test_include_that_climbs(self):
        self.assert_breach("plugins/channels/smtp/bad.cpp", '#include "../../presets/gmail/x.hpp"\n',
                           "from the project's root")

    def test_product_includes_a_test(self):
        self.assert_breach("core/app/bad.cpp", '#include "tests/support/manual_clock.hpp"\n', "includes no test")

    def test_a_comment_is_no_include(self):
        self.plant("core/model/ok.hpp", '// #include "core/bus/bus.hpp"\n/*\n#include "plugins/a/b/c.hpp"\n*/\n'
                                        'const char* text = "//";\n')
        self.assertEqual(self.breaches(), [])

    def test_a_breach_after_a_text_with_slashes_is_found(self):
        self.assert_breach("core/model/bad.hpp", 'const char* a = "http://x /*";\n#include "core/bus/bus.hpp"\n',
                           "bus is right of model", line=2)


if __name__ == "__main__":
    unittest.main()
