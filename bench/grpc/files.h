#ifndef BENCH_GRPC_FILES_H
#define BENCH_GRPC_FILES_H
/* PEM files for grpc C++, which takes them from memory. */
#include <fstream>
#include <iterator>
#include <string>

inline std::string ReadFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

#endif
