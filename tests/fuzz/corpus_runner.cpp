// Runs a fuzz target without libFuzzer: every file of a corpus, each cut at many places and with many bytes changed.
// The same input in every run.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t places_a_file = 2000;

void run(const std::vector<std::uint8_t>& input) {
  // A copy of exactly this size, so that a sanitizer sees the first byte beyond it.
  const std::vector<std::uint8_t> exact(input.begin(), input.end());
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

std::size_t run_with_changes(std::vector<std::uint8_t> input) {
  std::size_t runs = 1;
  run(input);
  const std::size_t step = input.size() / places_a_file + 1;
  for (std::size_t at = 0; at < input.size(); at += step) {
    run({input.begin(), input.begin() + static_cast<std::ptrdiff_t>(at)});
    const std::uint8_t before = input[at];
    for (const int value : {0x00, 0x01, 0x7f, 0x80, 0xff, before ^ 0x20}) {
      input[at] = static_cast<std::uint8_t>(value);
      run(input);
    }
    input[at] = before;
    runs += 7;
  }
  return runs;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s CORPUS_FOLDER\n", argv[0]);
    return 2;
  }
  std::size_t files = 0, runs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    runs += run_with_changes({std::istreambuf_iterator<char>(file), {}});
    ++files;
  }
  std::printf("%zu files, %zu runs\n", files, runs);
  if (files > 0) return 0;
  std::fprintf(stderr, "%s: the corpus is empty\n", argv[1]);
  return 1;
}
