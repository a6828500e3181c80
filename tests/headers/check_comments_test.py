"""The check of the ABI headers' comments can fail: each thing that a comment must say is missed where it is not there."""
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]
import check_comments  # noqa: E402
from tocsin import expect, run_tests  # noqa: E402

GOOD = """\
/* SPDX-License-Identifier: Apache-2.0 */
/* A lamp. */
#include <tocsin/abi/types.h>

typedef uint32_t tocsin_colour; /* a value that the host does not know is treated as TOCSIN_RED */
#define TOCSIN_RED 0u

typedef struct tocsin_lamp {
  uint32_t struct_size;
  uint32_t reserved;

  /* Switch it on. TOCSIN_UNAVAILABLE: there is no current. [control] active */
  tocsin_status (*on)(void* self, tocsin_colour colour);

  void (*off)(void* self); /* [any] active, draining */
} tocsin_lamp;

/* Takes colours. [caller] active */
typedef struct tocsin_palette {
  uint32_t struct_size;
  uint32_t reserved;
  void (*colour)(void* context, tocsin_colour colour);
} tocsin_palette;
"""


def found(without, instead=""):
    expect(without in GOOD, f"the header does not have {without}")
    return list(check_comments.faults("lamp.h", GOOD.replace(without, instead)))


def finds_one(without, words, instead=""):
    seen = found(without, instead)
    expect(len(seen) == 1 and words in seen[0], f"without {without} it says {seen}")


def a_header_that_says_everything_is_good():
    seen = list(check_comments.faults("lamp.h", GOOD))
    expect(seen == [], f"it says {seen}")


def a_function_without_a_thread_tag_is_found():
    finds_one(" [control] active", "lamp.h: tocsin_lamp.on has no thread tag")
    finds_one(" /* [any] active, draining */", "lamp.h: tocsin_lamp.off has no thread tag")
    finds_one(" [caller] active", "lamp.h: tocsin_palette.colour has no thread tag")


def a_tag_without_a_state_is_found():
    finds_one("[any] active, draining", "tocsin_lamp.off names no state", "[any]")


def a_status_without_a_failure_is_found():
    finds_one(" TOCSIN_UNAVAILABLE: there is no current.", "tocsin_lamp.on does not say how it may fail")


def a_list_of_numbers_without_a_fallback_is_found():
    finds_one(" /* a value that the host does not know is treated as TOCSIN_RED */", "lamp.h: tocsin_colour does not say")


def a_form_that_it_cannot_read_is_found():
    finds_one("} tocsin_palette;", "lamp.h: a function there has a form", "} tocsin_other;")


sys.exit(run_tests([a_header_that_says_everything_is_good, a_function_without_a_thread_tag_is_found,
                    a_tag_without_a_state_is_found, a_status_without_a_failure_is_found,
                    a_list_of_numbers_without_a_fallback_is_found, a_form_that_it_cannot_read_is_found]))
