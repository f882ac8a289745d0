#pragma once

#include "common/i18n.hpp"

// What the data assistant says to those who write applications; {} is filled in by fmt.
namespace kw::agent::message {

inline constexpr Text wrong_host{"请用 127.0.0.1、localhost 或 [::1] 访问（Host 为 {}）",
                                 "ask by 127.0.0.1, localhost or [::1], not by the name {}"};
inline constexpr Text wrong_origin{
    "网页来源 {} 未列入 agent.toml 的 [assistant] origins",
    "pages of {} may not ask: they are not among [assistant] origins of agent.toml"};
inline constexpr Text no_token{
    "缺少令牌：Authorization: Bearer 加令牌文件的内容",
    "the token is missing: Authorization: Bearer and what stands in the token file"};
inline constexpr Text wrong_token{"令牌不对：请重新读取令牌文件",
                                  "this is not the token: read the token file again"};
inline constexpr Text no_such_path{"没有 {}；接口见 /v1/openapi.yaml",
                                   "there is no {}; /v1/openapi.yaml lists what there is"};
inline constexpr Text wrong_method{"{} 只接受 {}", "{} takes {} only"};
inline constexpr Text not_json_type{"请发送 Content-Type: application/json",
                                    "send Content-Type: application/json"};
inline constexpr Text too_many{"请求太多：每秒 {} 个事件；{} 秒后重试",
                               "too many: {} events a second are taken; come again in {} s"};
inline constexpr Text not_kept{
    "事件缓冲区写不进磁盘，未记录任何内容；请稍后重发同一个 id",
    "the event buffer cannot be written: nothing was recorded; send the same id again later"};
inline constexpr Text too_large{"请求体最多 {} 字节", "a body holds at most {} bytes"};
inline constexpr Text header_too_large{"请求头太长", "the request's header is too long"};
inline constexpr Text busy{"连接太多，请复用连接", "too many connections: use one again"};
inline constexpr Text broken{"不是有效的 HTTP 请求：{}", "not a valid HTTP request: {}"};
inline constexpr Text failed{"无法应答该请求", "the request could not be answered"};

inline constexpr Text not_json{"请求体不是 JSON：{}", "the body is not JSON: {}"};
inline constexpr Text not_object{"请求体应为一个 JSON 对象", "the body must be one JSON object"};
inline constexpr Text unknown_field{"没有字段 {}；可用：{}", "there is no field {}; there are: {}"};
inline constexpr Text missing_field{"缺少字段 {}", "the field {} is missing"};
inline constexpr Text want_id{"{}：1 至 64 个字符，仅 A-Z a-z 0-9 . _ -",
                              "{}: 1 to 64 of A-Z a-z 0-9 . _ -"};
inline constexpr Text want_code{"{}：1 至 {} 个字符，仅 A-Z a-z 0-9 . _ : / -",
                                "{}: 1 to {} of A-Z a-z 0-9 . _ : / -"};
inline constexpr Text want_text{"{}：1 至 {} 字节的文字，不含控制字符",
                                "{}: a text of 1 to {} bytes without control characters"};
inline constexpr Text want_city{"{}：六位行政区划代码（GB/T 2260），例如 440100",
                                "{}: a division code of GB/T 2260, six digits such as 440100"};
inline constexpr Text want_one_of{"{}：{} 之一", "{}: one of {}"};
inline constexpr Text want_whole{"{}：{} 至 {} 的整数", "{}: a whole number from {} to {}"};
inline constexpr Text want_amount{"{}：大于 0 且不超过 {} 的数",
                                  "{}: a number above 0, at most {}"};
inline constexpr Text want_boolean{"{}：true 或 false", "{}: true or false"};
inline constexpr Text want_list{"{}：1 至 {} 个对象的数组", "{}: an array of 1 to {} objects"};
inline constexpr Text id_number{
    "{} 像是居民身份证号码：这里不收个人信息，请改用业务编号",
    "{} looks like a citizen's ID-card number: nothing personal is taken, send a code of your own"};
inline constexpr Text unknown_device{"{}：agent.toml 中没有设备 {}",
                                     "{}: agent.toml has no device {}"};

inline constexpr Text id_reused{
    "id {} 已用于另一内容；新的内容请用新的 id",
    "the id {} was used for something else; give something new an id of its own"};
inline constexpr Text no_session{"没有会话 {}", "there is no session {}"};
inline constexpr Text session_over{"会话 {} 已结束（{}）", "the session {} has ended already ({})"};

}  // namespace kw::agent::message
