using System.Security.Cryptography;

namespace OathServer.Pages;

/// <summary>Style, script and icon, inside the program: each under a name that changes with its content, so that a browser
/// asks for it once.</summary>
internal static class ConsoleAssets
{
    private static readonly Asset Css = Read("console.css", "text/css; charset=utf-8");
    private static readonly Asset Js = Read("console.js", "text/javascript; charset=utf-8");
    private static readonly Asset Svg = Read("console.svg", "image/svg+xml");

    public static string Style => Css.Path;

    public static string Script => Js.Path;

    public static string Icon => Svg.Path;

    public static void Map(IEndpointRouteBuilder routes)
    {
        foreach (var asset in (Asset[])[Css, Js, Svg])
        {
            routes.MapGet(asset.Path, (HttpContext http) =>
            {
                http.Response.Headers.CacheControl = "public, max-age=31536000, immutable";
                http.Response.Headers.XContentTypeOptions = "nosniff";
                return TypedResults.Bytes(asset.Bytes, asset.Type);
            }).AllowAnonymous().ExcludeFromDescription();
        }
    }

    private static Asset Read(string name, string type)
    {
        using var stream = typeof(ConsoleAssets).Assembly.GetManifestResourceStream("console/" + name)!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return new Asset($"/assets/{Convert.ToHexStringLower(SHA256.HashData(bytes))[..12]}/{name}", type, bytes);
    }

    private sealed record Asset(string Path, string Type, byte[] Bytes);
}
