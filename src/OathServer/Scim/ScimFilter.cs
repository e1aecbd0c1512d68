using System.Text.RegularExpressions;
using OathServer.Storage;

namespace OathServer.Scim;

/// <summary>The filters directories send before they create somebody: one attribute <c>eq</c> one text.</summary>
internal static partial class ScimFilter
{
    [GeneratedRegex("""^\s*(?<name>[A-Za-z.:0-9]+)\s+eq\s+"(?<value>(?:[^"\\]|\\["\\/])*)"\s*$""", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Form();

    /// <exception cref="ScimFault">The filter is of another form.</exception>
    public static IQueryable<Person> Apply(IQueryable<Person> people, string filter)
    {
        var match = filter.Length <= 512 ? Form().Match(filter) : Match.Empty;
        if (!match.Success)
        {
            throw Unknown();
        }

        var value = Regex.Replace(match.Groups["value"].Value, """\\(.)""", "$1");
        switch (match.Groups["name"].Value.ToUpperInvariant())
        {
            case "USERNAME":
                var name = Person.Normalize(value);
                return people.Where(p => p.NormalizedName == name);
            case "EXTERNALID":
                return people.Where(p => p.ExternalId == value);
            case "ID":
                return long.TryParse(value, out var id) ? people.Where(p => p.Id == id) : people.Where(p => false);
            default:
                throw Unknown();
        }
    }

    private static ScimFault Unknown() => new(
        StatusCodes.Status400BadRequest, "invalidFilter", "A filter is userName, externalId or id, then eq, then a text in quotes.");
}
