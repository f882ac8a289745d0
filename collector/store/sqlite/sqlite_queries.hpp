#pragma once

#include <filesystem>
#include <optional>

#include "collector/store/queries.hpp"
#include "common/clock.hpp"
#include "common/db/database.hpp"

namespace kw::collector {

class SqliteQueries final : public Queries {
 public:
  static Result<std::unique_ptr<SqliteQueries>> open(const std::filesystem::path& file,
                                                     const Clock& clock);

  Result<Listing<TerminalRow>> terminals(const Page& page, const TerminalFilter& filter) override;
  Result<TerminalRow> terminal(std::string_view code) override;
  Result<std::string> code_of(TerminalKey terminal) override;
  Result<Listing<DeviceRow>> devices(const Page& page, std::string_view terminal) override;
  Result<Listing<FaultRow>> faults(const Page& page, const FaultFilter& filter) override;
  Result<Listing<OrderRow>> orders(const Page& page, const OrderFilter& filter) override;
  Result<OrderRow> order(std::string_view id_or_number) override;
  Result<std::vector<FaultDay>> fault_days(std::string_view from, std::string_view to) override;
  Result<StoreFigures> figures() override;
  // remote_queries.cpp
  Result<Listing<CommandRow>> commands(const Page& page, std::string_view terminal) override;
  Result<CommandRow> command(std::string_view id) override;
  Result<ConfigurationRow> configuration(std::string_view terminal) override;
  Result<std::vector<ProvisioningRow>> provisioning() override;
  Result<void> events(std::string_view terminal,
                      const std::function<void(const EventRow&)>& take) override;

 private:
  SqliteQueries(std::unique_ptr<db::Database> db, std::filesystem::path wal, const Clock& clock);
  template <class T>
  Result<T> finish(T value) {
    if (auto wrong = failed()) return std::move(*wrong);
    return value;
  }
  /// Why the query failed, if it did; the connection is usable again.
  std::optional<Error> failed();
  void start();
  static int out_of_time(void* self);

  std::unique_ptr<db::Database> db_;
  std::filesystem::path wal_;
  const Clock& clock_;
  MonoTime deadline_{};
};

}  // namespace kw::collector
