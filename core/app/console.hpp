// What the commands print with: colour where a person reads, tables, faults.
#pragma once

#include "core/model/fault.hpp"

#include <boost/json/array.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace tocsin::app {

enum class colour { none, green, yellow, red, bold, dim };

// text in the colour, if standard output is a terminal and $NO_COLOR is not set.
std::string paint(std::string_view text, colour how);

// Rows under a head, columns as wide as their widest cell.
void print_table(const std::vector<std::string>& head, const std::vector<std::vector<std::string>>& rows);

// An object a fault: code, file, line, column, key, what, remedy.
boost::json::array to_json(const faults& all);

// To standard error, one line a fault; with json, one JSON array on standard output.
void print_faults(const faults& all, bool json);
int fail(const fault& why, bool json, int status);

// A whole file; a fault names it and the system's reason.
result<std::string> read_file(const std::string& path);

}  // namespace tocsin::app
