using System.Text.Json.Nodes;
using OathServer.Storage;

namespace OathServer.Scim;

/// <summary>What of SCIM's User (RFC 7643 §4.1, §4.3) is kept here: name, display name, mail, employee number, active.
/// Everything else a directory sends is accepted and left out.</summary>
internal sealed record ScimUser
{
    public const string Schema = "urn:ietf:params:scim:schemas:core:2.0:User";
    public const string Enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

    private const int TextMax = 256;

    public required string UserName { get; init; }

    public string? ExternalId { get; init; }

    public string? DisplayName { get; init; }

    public string? Mail { get; init; }

    public string? EmployeeNumber { get; init; }

    public bool Active { get; init; } = true;

    public static ScimUser Of(Person person) => new()
    {
        UserName = person.Name,
        ExternalId = person.ExternalId,
        DisplayName = person.DisplayName,
        Mail = person.Mail,
        EmployeeNumber = person.EmployeeNumber,
        Active = person.Active,
    };

    /// <summary>Reads a whole resource, as POST and PUT carry it.</summary>
    /// <exception cref="ScimFault">It lacks <c>userName</c>, or a value is not of its type.</exception>
    public static ScimUser Read(JsonObject body)
    {
        var enterprise = body[Enterprise] as JsonObject;
        return new ScimUser
        {
            UserName = Text(body["userName"], "userName") is { Length: > 0 } name && !string.IsNullOrWhiteSpace(name)
                ? name
                : throw ScimFault.BadValue("userName is missing or empty; it is the name that relying parties send."),
            ExternalId = Text(body["externalId"], "externalId"),
            DisplayName = Text(body["displayName"], "displayName") ?? NameOf(body["name"] as JsonObject),
            Mail = PrimaryOf(body["emails"]),
            EmployeeNumber = Text(enterprise?["employeeNumber"], "employeeNumber"),
            Active = body["active"] is not { } active || Truth(active),
        };
    }

    /// <summary>The resource as the directory reads it back.</summary>
    public static JsonObject ToJson(Person person, string location)
    {
        var body = new JsonObject
        {
            ["schemas"] = new JsonArray(Schema, Enterprise),
            ["id"] = ScimPeople.IdOf(person),
            ["userName"] = person.Name,
            ["active"] = person.Active,
            ["meta"] = new JsonObject
            {
                ["resourceType"] = "User",
                ["created"] = person.CreatedAt.ToString("O"),
                ["lastModified"] = (person.UpdatedAt ?? person.CreatedAt).ToString("O"),
                ["location"] = location,
            },
        };
        Add(body, "externalId", person.ExternalId);
        Add(body, "displayName", person.DisplayName);
        if (person.Mail is { } mail)
        {
            body["emails"] = new JsonArray(new JsonObject { ["value"] = mail, ["type"] = "work", ["primary"] = true });
        }

        if (person.EmployeeNumber is { } number)
        {
            body[Enterprise] = new JsonObject { ["employeeNumber"] = number };
        }

        return body;
    }

    /// <summary>A boolean; Entra ID sends it as the text "True" or "False".</summary>
    internal static bool Truth(JsonNode value) =>
        value is JsonValue one && one.TryGetValue<bool>(out var truth) ? truth
        : value is JsonValue other && other.TryGetValue<string>(out var text) && bool.TryParse(text, out var said) ? said
        : throw ScimFault.BadValue("active is neither true nor false.");

    internal static string? Text(JsonNode? value, string name) => value switch
    {
        null => null,
        JsonValue one when one.TryGetValue<string>(out var text) => text.Length <= TextMax && !text.Any(char.IsControl)
            ? text
            : throw ScimFault.BadValue($"{name} is longer than {TextMax} characters or holds control characters."),
        _ => throw ScimFault.BadValue($"{name} is not a text."),
    };

    /// <summary>The primary address of a list, or its first.</summary>
    internal static string? PrimaryOf(JsonNode? emails)
    {
        if (emails is null)
        {
            return null;
        }

        if (emails is not JsonArray list)
        {
            throw ScimFault.BadValue("emails is not a list.");
        }

        var addresses = list.OfType<JsonObject>().ToList();
        var chosen = addresses.Find(a => a["primary"] is JsonValue p && p.TryGetValue<bool>(out var primary) && primary) ?? addresses.FirstOrDefault();
        return Text(chosen?["value"], "emails.value");
    }

    private static string? NameOf(JsonObject? name) =>
        Text(name?["formatted"], "name.formatted") ?? (Text(name?["givenName"], "name.givenName"), Text(name?["familyName"], "name.familyName")) switch
        {
            (null, null) => null,
            (var given, var family) => $"{given} {family}".Trim(),
        };

    private static void Add(JsonObject body, string name, string? value)
    {
        if (value is not null)
        {
            body[name] = value;
        }
    }
}
