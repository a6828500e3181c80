// A value of each thread's own, made when the thread first asks and gone with the thread.
//
// Unlike a thread_local with a destructor, making one never waits for the system's loader, whose lock a plugin that
// hangs in a constructor keeps for ever. For objects that live as long as the process: a key is never given back.
#pragma once

#include <pthread.h>

#include <memory>
#include <system_error>

namespace tocsin {

template <class T>
class per_thread {
 public:
  per_thread() {
    const int error = ::pthread_key_create(&key_, [](void* value) { delete static_cast<T*>(value); });
    if (error != 0) throw std::system_error(error, std::generic_category(), "no thread's own value can be kept");
  }
  per_thread(const per_thread&) = delete;
  per_thread& operator=(const per_thread&) = delete;

  // The calling thread's. [any thread]
  T& get() {
    if (void* const value = ::pthread_getspecific(key_)) return *static_cast<T*>(value);
    auto made = std::make_unique<T>();
    const int error = ::pthread_setspecific(key_, made.get());
    if (error != 0) throw std::system_error(error, std::generic_category(), "no thread's own value can be kept");
    return *made.release();
  }

 private:
  pthread_key_t key_{};
};

}  // namespace tocsin
