/* SPDX-License-Identifier: Apache-2.0 */
/* The version of the binary interface between a Tocsin host and its plugins. */
#ifndef TOCSIN_ABI_VERSION_H
#define TOCSIN_ABI_VERSION_H

/* A host loads a plugin whose major version is its own and whose minor version is not above its own.
 * The minor version grows when an extension or a field is added; the major one never does in the life of 1.x. */
#define TOCSIN_ABI_MAJOR 1u
#define TOCSIN_ABI_MINOR 0u

/* One number to carry both: major in the upper, minor in the lower 16 bits. */
#define TOCSIN_ABI_VERSION ((TOCSIN_ABI_MAJOR << 16) | TOCSIN_ABI_MINOR)
#define TOCSIN_ABI_MAJOR_OF(version) ((version) >> 16)
#define TOCSIN_ABI_MINOR_OF(version) ((version)&0xffffu)

#endif
